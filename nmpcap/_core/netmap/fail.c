/* Why a call on a port failed, in its descriptor's message. */
#include <stdarg.h>
#include <string.h>

#include "message.h"
#include "netmap/impl.h"

int nm_desc_fail(struct nm_desc *d, int error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    nm_message_vprint(d->msg, d->spec, format, ap);
    va_end(ap);
    return error;
}

int nm_desc_report(struct nm_desc *d, const char *what, int error)
{
    if (!error || error == EINTR)
        return error;
    return nm_desc_fail(d, error, "%s: %s", what, *d->device->msg ? d->device->msg : strerror(error));
}
