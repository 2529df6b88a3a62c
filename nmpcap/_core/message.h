/* message.h - a message that names something. */
#ifndef NMPCAP_MESSAGE_H
#define NMPCAP_MESSAGE_H

#include <stdarg.h>

#include "msg.h"

/**
 * nm_message_print - write a message
 * @msg     NM_MSG_SIZE bytes; the message is cut to them
 * @name    what it is about, 200 bytes of it at most, and ": " before the rest; NULL for nothing
 * @format  the rest, as for printf; it may print what lies in msg
 *
 * Names, paths and texts are what others made them: their control characters are written as \xNN.
 */
void nm_message_print(char *msg, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void nm_message_vprint(char *msg, const char *name, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
