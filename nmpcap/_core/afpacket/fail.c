/* Why a call on a packet socket failed, in its source's message. */
#include <stdarg.h>

#include "afpacket/impl.h"
#include "message.h"

int nm_packet_fail(struct nm_packet *p, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    nm_message_vprint(p->base.msg, p->name, format, arguments);
    va_end(arguments);
    return -error;
}
