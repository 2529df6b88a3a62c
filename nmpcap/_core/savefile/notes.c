/* What a format notes of its file in the reader: damage, and interfaces. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "savefile/format.h"

enum nm_parse nm_reader_damaged(struct nm_reader *reader, uint64_t at, const char *text, ...)
{
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(reader->base.msg, NM_MSG_SIZE, text, arguments);
    va_end(arguments);
    reader->failure = -EBADMSG;
    reader->failure_at = at;
    return NM_PARSE_DAMAGED;
}

struct nm_saved_interface *nm_reader_add_interface(struct nm_reader *reader)
{
    uint32_t capacity = reader->interface_capacity;
    struct nm_saved_interface *table;

    if (reader->interface_count == capacity) {
        capacity = capacity ? capacity * 2 : 1;
        table = realloc(reader->interfaces, capacity * sizeof *table);
        if (!table) {
            reader->failure = -ENOMEM;
            snprintf(reader->base.msg, NM_MSG_SIZE, "more than %u interfaces in the file",
                     reader->interface_count);
            return NULL;
        }
        reader->interfaces = table;
        reader->interface_capacity = capacity;
    }
    return memset(&reader->interfaces[reader->interface_count++], 0, sizeof *reader->interfaces);
}

void nm_reader_drop_interface(struct nm_reader *reader)
{
    free(reader->interfaces[--reader->interface_count].options);
}
