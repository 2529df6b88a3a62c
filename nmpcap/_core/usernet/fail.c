/* Why a call failed, in the device's message. */
#include <stdarg.h>

#include "message.h"
#include "usernet/impl.h"

int nmu_fail(struct nmu_device *dev, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    nm_message_vprint(dev->device.msg, NULL, format, arguments);
    va_end(arguments);
    return error;
}
