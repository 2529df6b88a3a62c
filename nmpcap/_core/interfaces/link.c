/* One question to rtnetlink, RTM_GETLINK, and its answer. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "interfaces/link.h"
#include "interfaces/netlink.h"

#ifndef IFLA_ALT_IFNAME
#define IFLA_ALT_IFNAME 53 /* Linux 5.5 */
#endif

#define SHORT_NAME 15 /* longer ones can only be alternative names */
#define LONG_NAME 127

struct question {
    struct nlmsghdr header;
    struct ifinfomsg about;
    char attributes[RTA_SPACE(LONG_NAME + 1)];
};

int nm_link_open(void)
{
    /* Answers are there when the question has been sent. Only another process, forked off and asking by the
     * same descriptor, can take one away. */
    struct timeval patience = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static void read_attribute(const struct rtattr *attribute, struct nm_link *link)
{
    size_t size = RTA_PAYLOAD(attribute);

    switch (attribute->rta_type) {
    case IFLA_IFNAME:
        if (size > 0 && size <= sizeof(link->name))
            memcpy(link->name, RTA_DATA(attribute), size);
        link->name[sizeof(link->name) - 1] = '\0';
        break;
    case IFLA_MTU:
        if (size >= sizeof(link->mtu))
            memcpy(&link->mtu, RTA_DATA(attribute), sizeof(link->mtu));
        break;
    case IFLA_STATS64: {
        struct rtnl_link_stats64 stats = {0};

        /* A newer kernel has more of them, an older one fewer. */
        memcpy(&stats, RTA_DATA(attribute), size < sizeof(stats) ? size : sizeof(stats));
        link->missed = stats.rx_missed_errors + stats.rx_fifo_errors;
        break;
    }
    default:
        break;
    }
}

static void take_link(void *context, const struct nlmsghdr *message)
{
    const struct ifinfomsg *about = NLMSG_DATA(message);
    struct nm_link *link = context;
    int left = (int)IFLA_PAYLOAD(message);

    if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*about)))
        return;
    link->ifindex = about->ifi_index;
    link->flags = about->ifi_flags;
    link->arphrd = about->ifi_type;
    for (const struct rtattr *attribute = IFLA_RTA(about); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        read_attribute(attribute, link);
}

int nm_link_ask(int fd, const char *name, int ifindex, struct nm_link *link)
{
    struct question question = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(question.about)), .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST},
        .about = {.ifi_family = AF_UNSPEC, .ifi_index = name ? 0 : ifindex},
    };
    int error;

    *link = (struct nm_link){0};
    if (name) {
        size_t size = strlen(name) + 1;
        struct rtattr *attribute = (struct rtattr *)question.attributes;

        if (size == 1 || size > LONG_NAME + 1)
            return -ENODEV;
        attribute->rta_type = size - 1 > SHORT_NAME ? IFLA_ALT_IFNAME : IFLA_IFNAME;
        attribute->rta_len = RTA_LENGTH(size);
        memcpy(RTA_DATA(attribute), name, size);
        question.header.nlmsg_len = offsetof(struct question, attributes) + RTA_ALIGN(attribute->rta_len);
    }
    error = nm_netlink_ask(fd, &question.header, take_link, link);
    return error || link->ifindex ? error : -EBADMSG;
}
