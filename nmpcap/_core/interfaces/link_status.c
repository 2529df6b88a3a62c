/*
 * Linux: ethtool's link state, and wireless interfaces by nl80211 or, where the kernel has none, by the
 * wireless extensions. All of it is asked of the network namespace that the process is in: the
 * files of /sys may be those of another.
 */
#include "interfaces/list.h"

#ifdef __linux__
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_arp.h>
#include <linux/nl80211.h>
#include <linux/sockios.h>
#include <linux/wireless.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interfaces/netlink.h"

/* ---- wireless ---------------------------------------------------------------------- */

struct question {
    struct nlmsghdr header;
    struct genlmsghdr generic;
    struct nlattr attribute;
    char family[8];
};

static void take_family(void *context, const struct nlmsghdr *message)
{
    const uint16_t *id = nm_netlink_attribute(message, GENL_HDRLEN, CTRL_ATTR_FAMILY_ID, sizeof(*id), NULL);

    if (id)
        *(uint16_t *)context = *id;
}

/* The number that generic netlink has for nl80211; 0 if it has none. */
static uint16_t nl80211(int fd)
{
    struct question question = {
        .header = {.nlmsg_len = sizeof(question), .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST},
        .generic = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
        .attribute = {.nla_len = NLA_HDRLEN + sizeof(NL80211_GENL_NAME), .nla_type = CTRL_ATTR_FAMILY_NAME},
        .family = NL80211_GENL_NAME,
    };
    uint16_t id = 0;

    return nm_netlink_ask(fd, &question.header, take_family, &id) ? 0 : id;
}

static void take_wireless(void *context, const struct nlmsghdr *message)
{
    const uint32_t *index =
        nm_netlink_attribute(message, GENL_HDRLEN, NL80211_ATTR_IFINDEX, sizeof(*index), NULL);
    struct nm_interface *interface = index ? nm_interfaces_find(context, *index) : NULL;

    if (interface)
        interface->flags |= NM_IF_WIRELESS;
}

/* False if there is no nl80211 to ask. */
static bool wireless_by_nl80211(struct nm_interfaces *list)
{
    struct question question = {
        .header = {.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .generic = {.cmd = NL80211_CMD_GET_INTERFACE},
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

    if (fd < 0)
        return false;
    question.header.nlmsg_type = nl80211(fd);
    if (question.header.nlmsg_type)
        nm_netlink_ask(fd, &question.header, take_wireless, list);
    close(fd);
    return question.header.nlmsg_type != 0;
}

static bool wireless_by_extensions(int fd, const struct nm_interface *interface)
{
    struct iwreq request = {0};

    memcpy(request.ifr_name, interface->name, sizeof(request.ifr_name) - 1);
    return ioctl(fd, SIOCGIWNAME, &request) == 0;
}

static bool wireless_by_type(uint32_t type)
{
    switch (type) {
    case ARPHRD_IRDA:
    case ARPHRD_IEEE80211:
    case ARPHRD_IEEE80211_PRISM:
    case ARPHRD_IEEE80211_RADIOTAP:
    case ARPHRD_IEEE802154:
    case ARPHRD_IEEE802154_MONITOR:
    case ARPHRD_6LOWPAN:
        return true;
    default: return false;
    }
}

/* ---- connected --------------------------------------------------------------------- */

/* The rules are libpcap's. A driver that has no link to tell of says so. */
static uint32_t connection(int fd, const struct nm_interface *interface)
{
    struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
    struct ifreq request = {0};

    if (interface->flags & NM_IF_LOOPBACK)
        return NM_IF_NOT_APPLICABLE;
    memcpy(request.ifr_name, interface->name, sizeof(request.ifr_name) - 1);
    request.ifr_data = (char *)&link;
    if (ioctl(fd, SIOCETHTOOL, &request) == 0)
        return link.data ? NM_IF_CONNECTED : NM_IF_DISCONNECTED;
    return errno == EOPNOTSUPP || errno == EINVAL ? NM_IF_NOT_APPLICABLE : 0;
}

void nm_link_status(struct nm_interfaces *list)
{
    bool known = wireless_by_nl80211(list);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* these requests are for any socket */

    if (fd < 0)
        return;
    for (size_t i = 0; i < list->count; i++) {
        struct nm_interface *interface = &list->all[i];

        if (wireless_by_type(interface->type) || (!known && wireless_by_extensions(fd, interface)))
            interface->flags |= NM_IF_WIRELESS;
        interface->flags |= connection(fd, interface);
    }
    close(fd);
}
#else
void nm_link_status(struct nm_interfaces *list)
{
    (void)list;
}
#endif
