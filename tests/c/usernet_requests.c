/*
 * What the module answers to requests that are wrong from the outside: no argument, an address that is none,
 * an unknown number, too many options; the two names of each direction of poll; a port on two switches.
 *
 * core: all
 */
#include <errno.h>

#include "client.h"

static struct nm_device *device;

static int ctl(unsigned long request, void *argument)
{
    return device->ops->ioctl(device, request, argument);
}

static void addresses(void)
{
    static const unsigned long requests[] = {NIOCCTRL, NIOCREGIF, NIOCGINFO, NIOCCONFIG};
    static const struct nmreq_header read_only = {.nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_VALE_LIST};

    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        CHECK_EQ(ctl(requests[i], NULL), EINVAL);
        CHECK_EQ(ctl(requests[i], (void *)8), EFAULT);
        CHECK_EQ(ctl(requests[i], (void *)(UINTPTR_MAX - 16)), EFAULT);
    }
    CHECK_EQ(ctl(NIOCCTRL, (void *)(uintptr_t)&read_only), EFAULT); /* the answer finds no place */
}

static void numbers(void)
{
    struct nmreq nmr = {.nr_version = NETMAP_API};

    CHECK_EQ(ctl(0x1234, &nmr), EOPNOTSUPP);
    CHECK_EQ(ctl(NIOCCONFIG, &nmr), EOPNOTSUPP);
    CHECK_EQ(ctl((unsigned long)(long)(int)NIOCGINFO, &nmr), 0); /* as those pass it who have it in an int */
    CHECK_EQ(ctl(NIOCTXSYNC, NULL), ENXIO);
}

/* Options of unknown types, and one of the kernel loop's that says how long it is. 24 bytes each, and 8 more. */
static int with_options(unsigned unknown, uint32_t eventfds_size)
{
    static struct nmreq_option options[256];
    static uint8_t eventfds[4096];
    struct nmreq_option last = {.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, .nro_size = eventfds_size};
    struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC};
    struct nmreq_port_info_get info = {0};

    memcpy(eventfds, &last, sizeof(last));
    for (unsigned i = 0; i < unknown; i++) {
        uint64_t next = (uint64_t)(uintptr_t)(i + 1 < unknown ? (void *)&options[i + 1] : (void *)eventfds);

        options[i] = (struct nmreq_option){.nro_next = next, .nro_reqtype = 1000 + i};
    }
    CHECK_EQ(sizeof(reg), 56);
    CHECK_EQ(client_request(device, NETMAP_REQ_PORT_INFO_GET, "vale0:a", &info, options), 0);
    return client_request(device, NETMAP_REQ_REGISTER, "vale0:a", &reg, options);
}

static void room_for_options(void)
{
    struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC};
    static uint8_t eventfds[4096];
    struct nmreq_option option = {.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS};

    CHECK_EQ(with_options(90, 1000), EOPNOTSUPP); /* 90 * 32 + 1008 bytes of 4088 */
    for (uint32_t size = 4079; size <= 4081; size++) {
        option.nro_size = size;
        memcpy(eventfds, &option, sizeof(option));
        CHECK_EQ(client_request(device, NETMAP_REQ_REGISTER, "vale0:a", &reg, eventfds),
                 size <= 4080 ? EOPNOTSUPP : EMSGSIZE);
    }
}

/* ctrl-api-test's: 99 unknown options and one of 1000 bytes are too much. */
static void options_of_its_own_test(void)
{
    static struct nmreq_option options[99];
    static uint8_t eventfds[1024];
    struct nmreq_option last = {.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, .nro_size = 1000};
    struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC};

    memcpy(eventfds, &last, sizeof(last));
    for (unsigned i = 0; i < 99; i++)
        options[i] = (struct nmreq_option){
            .nro_next = (uint64_t)(uintptr_t)(i < 98 ? (void *)&options[i + 1] : (void *)eventfds),
            .nro_reqtype = 1000,
        };
    CHECK_EQ(client_request(device, NETMAP_REQ_REGISTER, "vale0:a", &reg, options), EMSGSIZE);
}

static void directions(void)
{
    struct client a, b;
    short revents;
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};

    client_open(&a, "vale0:a", 8);
    client_open(&b, "vale0:b", 8);
    CHECK_EQ(a.device->ops->poll(a.device, POLLWRNORM, 0, &revents), 0);
    CHECK_EQ(revents, POLLWRNORM);
    CHECK_EQ(a.device->ops->poll(a.device, POLLOUT | POLLWRNORM | POLLPRI, 0, &revents), 0);
    CHECK_EQ(revents, POLLOUT | POLLWRNORM);
    CHECK_EQ(b.device->ops->poll(b.device, POLLRDNORM, 0, &revents), 0);
    CHECK_EQ(revents, 0);
    CHECK(client_put(&a, frame, sizeof(frame)));
    client_txsync(&a);
    CHECK_EQ(b.device->ops->poll(b.device, POLLRDNORM, 1000, &revents), 0);
    CHECK_EQ(revents, POLLRDNORM);
    CHECK_EQ(b.device->ops->poll(b.device, POLLIN | POLLRDNORM | POLLOUT, 1000, &revents), 0);
    CHECK_EQ(revents, POLLIN | POLLRDNORM | POLLOUT);
    client_close(&a);
    client_close(&b);
}

static int attach(const char *name)
{
    struct nmreq_vale_attach body = {.reg = {.nr_mode = NR_REG_ALL_NIC}};

    return client_request(device, NETMAP_REQ_VALE_ATTACH, name, &body, NULL);
}

static int detach(const char *name)
{
    struct nmreq_vale_detach body = {0};

    return client_request(device, NETMAP_REQ_VALE_DETACH, name, &body, NULL);
}

/* netmap's functional test of it attaches to two switches and takes the second off first. */
static void two_switches(void)
{
    struct nmreq_vale_newif newif = {0};

    CHECK_EQ(client_request(device, NETMAP_REQ_VALE_NEWIF, "p", &newif, NULL), 0);
    for (int round = 0; round < 2; round++) {
        CHECK_EQ(attach("vale1:p"), 0);
        CHECK_EQ(attach("vale1:p"), EBUSY);
        CHECK_EQ(attach("vale2:p"), 0);
        CHECK_EQ(attach("vale2:p"), EBUSY);
        CHECK_EQ(attach("vale3:p"), EBUSY);
        CHECK_EQ(client_request(device, NETMAP_REQ_VALE_DELIF, "p", NULL, NULL), EBUSY);
        CHECK_EQ(detach("vale1:p"), ENXIO);
        CHECK_EQ(detach("vale2:p"), 0);
        CHECK_EQ(detach("vale2:p"), ENXIO);
        CHECK_EQ(detach("vale1:p"), 0);
        CHECK_EQ(detach("vale1:p"), ENXIO);
    }
    CHECK_EQ(client_request(device, NETMAP_REQ_VALE_DELIF, "p", NULL, NULL), 0);
}

static void parameters(void)
{
    struct nmreq_parameter body = {0};

    CHECK_EQ(client_request(device, NMPCAP_REQ_PARAMETER_GET, "max_bridges", &body, NULL), 0);
    CHECK_EQ(body.value, 8);
    CHECK_EQ(client_request(device, NMPCAP_REQ_PARAMETER_SET, "max_bridges", &body, NULL), EPERM);
}

/* The part of a switch's port may be empty. */
static void no_port_part(void)
{
    struct client client;

    client_open(&client, "vale0:", 8);
    client_close(&client);
}

int main(void)
{
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    addresses();
    numbers();
    room_for_options();
    options_of_its_own_test();
    directions();
    two_switches();
    parameters();
    no_port_part();
    device->ops->close(device);
    return 0;
}
