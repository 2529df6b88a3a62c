/*
 * What the kernel says over netlink, said by the test: answers in parts, errors, wireless interfaces that
 * this machine has not got, and messages with any bytes.
 *
 * core: interfaces/interfaces.c interfaces/list.c interfaces/netlink.c
 */
#include <stdio.h>
#include <stdlib.h>

/* For what is static in them. */
#include "interfaces/link_status.c"
#include "interfaces/rtnetlink.c"
#include "check.h"

/* A datagram of messages to be. */
struct said {
    union {
        struct nlmsghdr header;
        uint8_t bytes[8192];
    } data;
    size_t size;
};

static struct nlmsghdr *message(struct said *said, uint16_t type, uint16_t flags, const void *body, size_t size)
{
    struct nlmsghdr *header = (void *)(said->data.bytes + said->size);

    *header = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = flags};
    memcpy(NLMSG_DATA(header), body, size);
    said->size += NLMSG_ALIGN(header->nlmsg_len);
    return header;
}

static void add(struct said *said, struct nlmsghdr *header, uint16_t type, const void *value, size_t size)
{
    struct nlattr *attribute = (void *)(said->data.bytes + said->size);

    attribute->nla_type = type;
    attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
    memcpy((uint8_t *)attribute + NLA_HDRLEN, value, size);
    said->size += NLA_ALIGN(attribute->nla_len);
    header->nlmsg_len = (uint32_t)(said->data.bytes + said->size - (uint8_t *)header);
}

static void interface_of(struct said *said, uint32_t index, uint16_t flags)
{
    struct genlmsghdr generic = {.cmd = NL80211_CMD_NEW_INTERFACE};
    struct nlmsghdr *header = message(said, 30, flags, &generic, sizeof(generic));

    add(said, header, NL80211_ATTR_IFNAME, "wlan", 5);
    add(said, header, NL80211_ATTR_IFINDEX, &index, sizeof(index));
}

static void error_of_request(struct said *said, int error)
{
    struct nlmsgerr body = {.error = -error};

    message(said, NLMSG_ERROR, 0, &body, sizeof(body));
}

static void done(struct said *said, uint16_t flags)
{
    int none = 0;

    message(said, NLMSG_DONE, NLM_F_MULTI | flags, &none, sizeof(none));
}

/* Asks over a socket whose other end has said it all already; returns what nm_netlink_ask does. */
static int hear(const struct said *said, size_t count, nm_netlink_take *take, void *context)
{
    struct nlmsghdr request = {.nlmsg_len = sizeof(request)};
    int ends[2], error;

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    for (size_t i = 0; i < count; i++)
        CHECK(send(ends[1], said[i].data.bytes, said[i].size, 0) == (ssize_t)said[i].size);
    shutdown(ends[1], SHUT_WR);
    error = nm_netlink_ask(ends[0], &request, take, context);
    close(ends[0]);
    close(ends[1]);
    return error;
}

static void fill(struct nm_interfaces *list)
{
    for (uint32_t i = 0; i < 40; i++)
        nm_interfaces_add(list, "wlan", 4)->index = 10 + i;
}

static uint64_t wireless(struct nm_interfaces *list)
{
    uint64_t set = 0;

    for (size_t i = 0; i < list->count; i++)
        set |= (uint64_t)(list->all[i].flags & NM_IF_WIRELESS ? 1 : 0) << i;
    return set;
}

static void wireless_interfaces_are_found(void)
{
    struct said said[3] = {0};
    struct nm_interfaces list = {0};

    fill(&list);
    interface_of(&said[0], 12, NLM_F_MULTI);
    interface_of(&said[0], 10, NLM_F_MULTI);
    interface_of(&said[0], 99, NLM_F_MULTI);
    interface_of(&said[1], 49, NLM_F_MULTI);
    done(&said[2], 0);
    CHECK(hear(said, 3, take_wireless, &list) == 0);
    CHECK(wireless(&list) == (1ull << 2 | 1 | 1ull << 39));
    nm_interfaces_clear(&list);
    free(list.all);
}

static void the_family_has_a_number(void)
{
    struct said said = {0};
    struct genlmsghdr generic = {.cmd = CTRL_CMD_NEWFAMILY};
    uint16_t id = 0, number = 30;
    struct nlmsghdr *header = message(&said, GENL_ID_CTRL, 0, &generic, sizeof(generic));

    add(&said, header, CTRL_ATTR_FAMILY_NAME, "nl80211", 8);
    add(&said, header, CTRL_ATTR_FAMILY_ID, &number, sizeof(number));
    CHECK(hear(&said, 1, take_family, &id) == 0 && id == 30);
}

static void errors_come_out(void)
{
    struct said said[2] = {0};
    struct nm_interfaces list = {0};

    fill(&list);
    error_of_request(&said[0], ENOENT);
    CHECK(hear(said, 1, take_wireless, &list) == -ENOENT);
    said[0].size = 0;
    interface_of(&said[0], 11, NLM_F_MULTI | NLM_F_DUMP_INTR);
    done(&said[1], NLM_F_DUMP_INTR);
    CHECK(hear(said, 2, take_wireless, &list) == -EAGAIN && wireless(&list) == 2);
    nm_interfaces_clear(&list);
    free(list.all);
}

/* Whatever a message says of its lengths, nothing outside of it is read. */
static void any_bytes_will_do(unsigned seed)
{
    for (unsigned round = 0; round < 20000; round++) {
        struct nm_interfaces list = {0};
        struct reading reading = {.list = &list};
        uint32_t size = 16 + (uint32_t)(rand_r(&seed) % 120);
        struct nlmsghdr *header = malloc(size); /* exactly so long, for the sanitizer */
        uint16_t id;

        fill(&list);
        for (uint32_t i = 0; i < size; i++)
            ((uint8_t *)header)[i] = (uint8_t)(rand_r(&seed) % (round % 2 ? 256 : 24));
        header->nlmsg_len = size;
        header->nlmsg_type = RTM_NEWLINK;
        take_link(&reading, header);
        header->nlmsg_type = RTM_NEWADDR;
        take_address(&reading, header);
        take_wireless(&list, header);
        take_family(&id, header);
        free(header);
        nm_interfaces_clear(&list);
        free(list.all);
    }
}

int main(void)
{
    const char *given = getenv("NMPCAP_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();

    printf("NMPCAP_TEST_SEED=%u\n", seed);
    wireless_interfaces_are_found();
    the_family_has_a_number();
    errors_come_out();
    any_bytes_will_do(seed);
    return 0;
}
