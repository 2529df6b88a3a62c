/*
 * message: names that others chose are escaped in messages, whole, within the message's room.
 *
 * core: message.c
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "message.h"

static char msg[NM_MSG_SIZE + 1];

static void controls_are_escaped(void)
{
    nm_message_print(msg, "a\x1b[2J", "no %s\n\x7f", "b\xc2\x9b\r");
    CHECK(!strcmp(msg, "a\\x1b[2J: no b\\x9b\\x0d\\x0a\\x7f"));
    nm_message_print(msg, NULL, "%s", "\xc3\xa4 \xc2\xa0 \xe6\x9d\xb1 \\x1b");
    CHECK(!strcmp(msg, "\xc3\xa4 \xc2\xa0 \xe6\x9d\xb1 \\x1b"));
}

static void a_message_of_nothing_else_is_cut_between_escapes(void)
{
    char controls[NM_MSG_SIZE];

    memset(controls, '\x1b', sizeof(controls));
    controls[sizeof(controls) - 1] = '\0';
    msg[NM_MSG_SIZE] = 'x';
    nm_message_print(msg, NULL, "%s", controls);
    CHECK(msg[NM_MSG_SIZE] == 'x');
    CHECK(strlen(msg) == (NM_MSG_SIZE - 1) / 4 * 4);
    CHECK(!strcmp(msg + strlen(msg) - 4, "\\x1b"));
}

static void a_message_may_quote_what_it_replaces(void)
{
    nm_message_print(msg, NULL, "inner");
    nm_message_print(msg, "port", "outer: %s", msg);
    CHECK(!strcmp(msg, "port: outer: inner"));
}

int main(void)
{
    controls_are_escaped();
    a_message_of_nothing_else_is_cut_between_escapes();
    a_message_may_quote_what_it_replaces();
    return 0;
}
