/* A source of nothing, for handles that neither capture nor send. */
#ifndef NMPCAP_DEAD_H
#define NMPCAP_DEAD_H

#pragma GCC visibility push(default)

struct nm_source;

/* nm_dead_open - NULL without memory. */
struct nm_source *nm_dead_open(void);

#pragma GCC visibility pop

#endif
