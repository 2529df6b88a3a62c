/* Why a call on a packet socket failed, in its source's message. */
#include <stdarg.h>
#include <stdio.h>

#include "afpacket/impl.h"

int nm_packet_fail(struct nm_packet *p, int error, const char *format, ...)
{
    int used = snprintf(p->base.msg, sizeof(p->base.msg), "%s: ", p->name);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(p->base.msg + used, sizeof(p->base.msg) - (size_t)used, format, arguments);
    va_end(arguments);
    return -error;
}
