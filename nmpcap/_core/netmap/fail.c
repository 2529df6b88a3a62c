/* Why a call on a port failed, in its descriptor's message. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "netmap/impl.h"

int nm_desc_fail(struct nm_desc *d, int error, const char *format, ...)
{
    va_list ap;
    int n = snprintf(d->msg, sizeof(d->msg), "%.200s: ", d->spec);

    va_start(ap, format);
    vsnprintf(d->msg + n, sizeof(d->msg) - (size_t)n, format, ap);
    va_end(ap);
    return error;
}

int nm_desc_report(struct nm_desc *d, const char *what, int error)
{
    if (!error || error == EINTR)
        return error;
    return nm_desc_fail(d, error, "%s: %s", what, *d->device->msg ? d->device->msg : strerror(error));
}
