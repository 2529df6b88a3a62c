/* Why a call failed, in the device's message. */
#include <stdarg.h>
#include <stdio.h>

#include "usernet/impl.h"

int nmu_fail(struct nmu_device *dev, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(dev->device.msg, sizeof(dev->device.msg), format, arguments);
    va_end(arguments);
    return error;
}
