/* msg.h - the room for a message: why a call failed, in a sentence. */
#ifndef NMPCAP_MSG_H
#define NMPCAP_MSG_H

#define NM_MSG_SIZE 512 /* bytes of a message buffer, the terminating NUL among them */

#endif
