/* What a message says of names that others chose. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

/* C0 and DEL, and C1 as UTF-8 has them, 0xc2 0x80 .. 0xc2 0x9f: what a terminal takes for commands. */
static size_t control_at(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];

    if (first < 0x20 || first == 0x7f)
        return 1;
    return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

/* Copies text with \xNN for its controls, as far as there is room for a whole one; returns the bytes written. */
static size_t escape(char *to, size_t room, const char *text)
{
    size_t used = 0;

    while (*text) {
        size_t control = control_at(text), needed = control ? 4 : 1;

        if (used + needed >= room)
            break;
        if (control)
            snprintf(to + used, room - used, "\\x%02x", (unsigned char)text[control - 1]);
        else
            to[used] = *text;
        used += needed;
        text += control ? control : 1;
    }
    to[used] = '\0';
    return used;
}

void nm_message_vprint(char *msg, const char *name, const char *format, va_list arguments)
{
    char plain[NM_MSG_SIZE];
    int used = name ? snprintf(plain, sizeof(plain), "%.200s: ", name) : 0;

    vsnprintf(plain + used, sizeof(plain) - (size_t)used, format, arguments);
    escape(msg, NM_MSG_SIZE, plain);
}

void nm_message_print(char *msg, const char *name, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    nm_message_vprint(msg, name, format, arguments);
    va_end(arguments);
}
