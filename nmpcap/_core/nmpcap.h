/*
 * nmpcap.h - the C core, whole: what a program that links it may call, one header an object.
 *
 * Errors: bpf/, and what answers as ioctl(2) does (device.h, device/, usernet/, netmap/), return 0 or a positive
 * errno value; sources (source.h, also netmap/as_source.h) and all that is made for them or of them return a negative
 * one, or a count. The sign changes in two files: netmap/as_source.c, which makes a port a source, and
 * usernet/interface.c, which makes a port of one. errno itself is neither set nor read by callers. On failure an
 * object is left as it was, and its message says what was tried on what and why it failed.
 *
 * Nothing here prints, exits, or keeps state beside its objects.
 *
 * What these headers declare is public; everything else is hidden in what the library is linked into.
 * The build and cffi read the list of headers from here. They are C manual and cffi declaration in one: no
 * directives but guards, includes, visibility and plain numeric #defines.
 */
#ifndef NMPCAP_NMPCAP_H
#define NMPCAP_NMPCAP_H

#include "abi.h"
#include "extensions.h"
#include "dlt.h"
#include "msg.h"
#include "view.h"
#include "slab.h"
#include "bpf/bpf.h"
#include "interfaces/interfaces.h"
#include "savefile/savefile.h"
#include "sources/dead.h"
#include "sources/playback.h"
#include "afpacket/afpacket.h"
#include "device/choose.h"
#include "netmap/mapping.h"
#include "netmap/portname.h"
#include "netmap/portlist.h"
#include "netmap/desc.h"
#include "netmap/as_source.h"
#include "capture/kind.h"
#include "capture/capture.h"
#include "wire/wire.h"
#include "wire/pump.h"
#include "wire/replay.h"
#include "traffic/stream.h"
#include "traffic/generator.h"
#include "traffic/sequence.h"
#include "traffic/sink.h"

#endif
