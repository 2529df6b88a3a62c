/*
 * guard: what is mapped of a file that somebody cuts short.
 *
 * The processes of a runtime directory map the same files, and whoever may write to one may cut it short: the next touch
 * of what is missing then is SIGBUS, in whatever program touches it. Nothing can forbid that: a seal needs an anonymous
 * file (memfd), which somebody would have to keep and hand out to those who come later, and there is no daemon. So the
 * signal is handled: a missing page of our files becomes a page of zeros of the process's own, and the call goes on.
 * Zeros mean nothing in any record, and each sync and each request looks whether its files are whole (nmu_region_whole,
 * nmu_registry_whole) and fails where they are not.
 *
 * The handler keeps no state: it finds out from /proc/self/maps whether the address is in a file of ours. It takes the
 * place of the default action only, never that of a handler which a program has installed.
 */
#ifndef NMPCAP_USERNET_GUARD_H
#define NMPCAP_USERNET_GUARD_H

/* From now on, in this process. */
void nmu_guard_install(void);

#endif
