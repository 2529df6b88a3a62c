/* netlink(7): requests, answers of many messages, attributes. */
#include "interfaces/netlink.h"

#ifdef __linux__
#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

/* How the kernel ends an answer: with an error, 0 being none, or with the last of many messages. */
static int error_of(const struct nlmsghdr *message)
{
    const struct nlmsgerr *error = NLMSG_DATA(message);

    return message->nlmsg_len < NLMSG_LENGTH(sizeof(*error)) ? -EPROTO : error->error;
}

/* NLMSG_OK, whose comparison of signed with unsigned not every compiler lets pass. */
static bool fits(const struct nlmsghdr *message, int length)
{
    return length >= (int)sizeof(*message) && message->nlmsg_len >= sizeof(*message) &&
           message->nlmsg_len <= (uint32_t)length;
}

static bool read_datagram(const struct nlmsghdr *message, int length, nm_netlink_take *take, void *context,
                          int *error)
{
    for (; fits(message, length); message = NLMSG_NEXT(message, length)) {
        if (message->nlmsg_type == NLMSG_ERROR)
            *error = error_of(message);
        if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE)
            return false;
        if (message->nlmsg_flags & NLM_F_DUMP_INTR)
            *error = -EAGAIN;
        take(context, message);
        if (!(message->nlmsg_flags & NLM_F_MULTI))
            return false;
    }
    return true;
}

int nm_netlink_ask(int fd, const struct nlmsghdr *request, nm_netlink_take *take, void *context)
{
    /* As large as the kernel makes them: it looks how much its reader has taken so far. */
    union {
        struct nlmsghdr header;
        uint8_t bytes[32768];
    } answer;
    int error = 0;

    if (send(fd, request, request->nlmsg_len, 0) < 0)
        return -errno;
    for (;;) {
        ssize_t got = recv(fd, &answer, sizeof(answer), 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (!got || !read_datagram(&answer.header, (int)got, take, context, &error))
            return error;
    }
}

const void *nm_netlink_attribute(const struct nlmsghdr *message, size_t head, uint16_t type, size_t size, size_t *got)
{
    size_t start = NLMSG_LENGTH(NLMSG_ALIGN(head));

    while (start + NLA_HDRLEN <= message->nlmsg_len) {
        const struct nlattr *attribute = (const void *)((const uint8_t *)message + start);

        if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > message->nlmsg_len - start)
            break;
        if ((attribute->nla_type & NLA_TYPE_MASK) == type && attribute->nla_len >= NLA_HDRLEN + size) {
            if (got)
                *got = (size_t)attribute->nla_len - NLA_HDRLEN;
            return (const uint8_t *)attribute + NLA_HDRLEN;
        }
        start += NLA_ALIGN(attribute->nla_len);
    }
    return NULL;
}
#endif
