/* A recording played back in its own time: a source around another. */
#ifndef NMPCAP_PLAYBACK_H
#define NMPCAP_PLAYBACK_H

#pragma GCC visibility push(default)

struct nm_source;

/*
 * nm_playback_open - a source that gives another's packets when their time has come.
 *
 * The first packet comes at once, each later one as long after the first as its time stamp says,
 * divided by speed. One that is late, or stamped earlier than the first, comes at once.
 *
 * @inner  its packets' source, the new source's own from here on (also when this fails)
 * @speed  more than 0; 2 is twice as fast
 *
 * NULL without memory or descriptors.
 */
struct nm_source *nm_playback_open(struct nm_source *inner, double speed);

#pragma GCC visibility pop

#endif
