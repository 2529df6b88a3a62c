/*
 * Opening over a fake device: what each flag asks for, who shares what, what is left after a failure.
 * core: message.c device/choose.c netmap
 * modes: plain asan tsan
 */
#include "fake_device.h"

#include <pthread.h>

#include "device/choose.h"
#include "netmap/impl.h"

static char msg[NM_MSG_SIZE];

static struct nm_desc *must_open(struct nm_open_args args)
{
    struct nm_desc *d;

    if (!args.which)
        args.which = NM_NETMAP_USER;
    if (nm_desc_open(&args, &d, msg)) {
        fprintf(stderr, "%s\n", msg);
        exit(1);
    }
    return d;
}

static int open_error(struct nm_open_args args)
{
    struct nm_desc *d = (struct nm_desc *)&args;
    int devices = fake.devices, mappings = fake.mappings, error;

    if (!args.which)
        args.which = NM_NETMAP_USER;
    error = nm_desc_open(&args, &d, msg);
    CHECK(error != 0 && d == NULL);
    CHECK(fake.devices == devices && fake.mappings == mappings);
    return error;
}

static void close_all(struct nm_desc *a, struct nm_desc *b)
{
    CHECK(nm_desc_close(a) == 0 && nm_desc_close(b) == 0);
    CHECK(fake.devices == 0 && fake.mappings == 0);
}

static void names_become_requests(void)
{
    fake_reset();
    CHECK(nm_desc_close(must_open((struct nm_open_args){.name = "netmap:eth0-3@9/xR"})) == 0);
    CHECK(strcmp(fake.seen_name, "eth0") == 0 && fake.seen.nr_mode == NR_REG_ONE_NIC && fake.seen.nr_ringid == 3);
    CHECK(fake.seen.nr_mem_id == 9 && fake.seen.nr_flags == (NR_EXCLUSIVE | NR_RX_RINGS_ONLY));

    CHECK(nm_desc_close(must_open((struct nm_open_args){.name = "vale0:a{1@conf:slots=16,rx-rings=2@share=vale1:b"})) ==
          0);
    CHECK(strcmp(fake.seen_name, "vale0:a{1") == 0 && fake.seen.nr_tx_slots == 16 && fake.seen.nr_rx_slots == 16);
    CHECK(fake.seen.nr_rx_rings == 2 && fake.seen.nr_tx_rings == 0 && fake.seen.nr_mem_id == 77);

    CHECK(nm_desc_close(must_open((struct nm_open_args){.name = "vale0:a", .flags = NETMAP_NO_TX_POLL})) == 0);
    CHECK(fake.seen.nr_flags == NR_NO_TX_POLL);
}

static void legacy_requests(void)
{
    struct nmreq_register req = {.nr_tx_slots = 32, .nr_extra_bufs = 3};
    struct nm_desc_info info;
    struct nm_desc *d;

    fake_reset();
    d = must_open((struct nm_open_args){.name = "netmap:x}7/x@4", .legacy = 1, .req = &req, .pipes = 2,
                                        .flags = NETMAP_NO_TX_POLL});
    CHECK(strcmp(fake.seen_legacy.nr_name, "x") == 0 && fake.seen_legacy.nr_ringid == (7 | NETMAP_NO_TX_POLL));
    CHECK(fake.seen_legacy.nr_flags == (NR_REG_PIPE_SLAVE | NR_EXCLUSIVE | NR_NO_TX_POLL));
    CHECK(fake.seen_legacy.nr_arg1 == 2 && fake.seen_legacy.nr_arg2 == 4 && fake.seen_legacy.nr_arg3 == 3);
    CHECK(fake.seen_legacy.nr_tx_slots == 32);
    nm_desc_info(d, &info);
    CHECK(strcmp(info.name, "x}7") == 0 && strcmp(info.spec, "netmap:x}7/x@4") == 0 && info.pipes == 2);
    CHECK(info.tx_rings == 1 && info.rx_rings == 1);
    CHECK(nm_desc_close(d) == 0);
    CHECK(open_error((struct nm_open_args){.name = "vale0:a", .legacy = 1, .options = 1}) == EINVAL);
}

static void parents(void)
{
    struct nmreq_register req = {.nr_extra_bufs = 6};
    struct nm_desc *a, *b;

    fake_reset();
    fake.extra = 6;
    a = must_open((struct nm_open_args){.name = "vale0:a/x", .which = NM_NETMAP_KERNEL, .req = &req, .pipes = 9});
    fake.extra = 0;

    /* Everything the parent has, its device and its mapping, too. */
    b = must_open((struct nm_open_args){.name = "ignored", .parent = a,
                                        .flags = NM_OPEN_IFNAME | NM_OPEN_ARG1 | NM_OPEN_ARG2 | NM_OPEN_ARG3 |
                                                 NM_OPEN_RING_CFG | NM_OPEN_NO_MMAP});
    CHECK(strcmp(fake.seen_name, "vale0:a") == 0 && fake.seen.nr_flags == NR_EXCLUSIVE && b->pipes == 9);
    CHECK(fake.seen.nr_mem_id == 5 && fake.seen.nr_extra_bufs == 6 && fake.seen.nr_tx_slots == 8);
    CHECK(strcmp(b->device->ops->name, "kernel") == 0 && b->mapping == a->mapping && fake.mappings == 1);
    /* The parent goes first: the child's memory stays. */
    CHECK(nm_desc_close(a) == 0);
    CHECK(slots_owned(b->tx[0].ring) == 7 && fake.devices == 2);
    CHECK(nm_desc_close(b) == 0 && fake.devices == 0 && fake.mappings == 0);

    /* None of it, and another region: a mapping of its own. */
    a = must_open((struct nm_open_args){.name = "vale0:a"});
    fake.mem_id = 6;
    b = must_open((struct nm_open_args){.name = "vale0:b", .parent = a});
    CHECK(b->pipes == 4 && fake.seen.nr_mem_id == 0 && fake.seen.nr_tx_slots == 0 && b->mapping != a->mapping);
    CHECK(!nm_desc_same_region(a, b) && fake.mappings == 2);
    close_all(a, b);
}

static void mapping_later(void)
{
    struct nm_desc *a, *b;
    struct nm_desc_info info;

    fake_reset();
    a = must_open((struct nm_open_args){.name = "vale0:a", .flags = NM_OPEN_NO_MMAP});
    nm_desc_info(a, &info);
    CHECK(!info.mapping && !info.nifp && info.tx_rings == 0 && !nm_desc_tx_ring(a, 0));
    CHECK(nm_desc_inject(a, (const uint8_t *)"x", 1) == EBADF);
    b = must_open((struct nm_open_args){.name = "vale0:b"});
    CHECK(nm_desc_mmap(a, b) == 0 && a->mapping == b->mapping);
    CHECK(nm_desc_mmap(a, NULL) == 0 && fake.mappings == 1);
    CHECK(nm_desc_tx_ring(a, 0) && !nm_desc_tx_ring(a, 1) && nm_desc_rx_ring(a, 0) && nm_desc_fileno(a) == 99);
    close_all(b, a);
}

static void failures(void)
{
    struct nmreq_register req = {0};

    fake_reset();
    CHECK(open_error((struct nm_open_args){.name = "eth0"}) == NM_DESC_FOREIGN);
    CHECK(open_error((struct nm_open_args){.name = "vale0", .legacy = 1}) == EINVAL && strstr(msg, "vale0: "));
    CHECK(open_error((struct nm_open_args){.name = "netmap:a-5000"}) == EINVAL && strstr(msg, "character 10"));
    CHECK(open_error((struct nm_open_args){.name = "x", .flags = NM_OPEN_IFNAME}) == EINVAL);
    CHECK(open_error((struct nm_open_args){.name = "vale0:a@extmem=/nowhere/at/all"}) == ENOENT);
    CHECK(strstr(msg, "/nowhere/at/all"));
    fake.register_error = EBUSY;
    CHECK(open_error((struct nm_open_args){.name = "vale0:a", .req = &req}) == EBUSY && strstr(msg, "exclusive"));
    fake.register_msg = "held by process 7";
    CHECK(open_error((struct nm_open_args){.name = "vale0:a"}) == EBUSY && strstr(msg, "process 7"));
    CHECK(strstr(msg, "user netmap"));
}

static void extra_buffers(void)
{
    uint32_t list[4], a, b, n;
    struct nm_desc *d;

    fake_reset();
    fake.extra = 2;
    d = must_open((struct nm_open_args){.name = "vale0:a"});
    CHECK(nm_desc_extra_list(d, list, 4) == 2 && list[0] != list[1]);
    CHECK(nm_desc_extra_pop(d, &a) == 0 && a == list[0] && nm_desc_extra_pop(d, &b) == 0 && b == list[1]);
    CHECK(nm_desc_extra_pop(d, &n) == ENOBUFS && n == 0 && nm_desc_extra_list(d, list, 4) == 0);
    CHECK(nm_desc_extra_push(d, a) == 0 && nm_desc_extra_push(d, b) == 0);
    CHECK(nm_desc_extra_list(d, list, 1) == 2 && list[0] == b);
    CHECK(nm_desc_extra_push(d, 1) == EINVAL && nm_desc_extra_push(d, UINT32_MAX) == EINVAL);
    CHECK(nm_desc_extra_push(d, b) == 0); /* twice: the list bites its tail */
    CHECK(nm_desc_extra_list(d, list, 4) == d->tx[0].num_bufs);
    CHECK(nm_desc_close(d) == 0);
}

/* ---- two threads ------------------------------------------------------------------------- */

#define ROUNDS 20000

static void *inject(void *arg)
{
    uintptr_t done = 0;
    int i;

    for (i = 0; i < ROUNDS; i++) {
        int error = nm_desc_inject(arg, (const uint8_t *)"ping", 4);

        CHECK(error == 0 || error == EBUSY || error == EAGAIN);
        done += error == 0;
    }
    return (void *)done;
}

/* A second thread is sent away; nothing is lost or doubled. */
static void two_threads(void)
{
    uintptr_t done = 0;
    pthread_t threads[2];
    struct nm_desc *d;
    void *result;
    int i;

    fake_reset();
    fake.slots = 2 * ROUNDS + 8;
    d = must_open((struct nm_open_args){.name = "vale0:a"});
    for (i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, inject, d) == 0);
    for (i = 0; i < 2; i++) {
        CHECK(pthread_join(threads[i], &result) == 0);
        done += (uintptr_t)result;
    }
    CHECK(d->stats.sent == done && d->tx[0].ring->head == done);
    atomic_store(&d->busy, true);
    CHECK(nm_desc_close(d) == EBUSY && nm_desc_inject(d, (const uint8_t *)"x", 1) == EBUSY);
    CHECK(open_error((struct nm_open_args){.name = "vale0:b", .parent = d}) == EBUSY);
    atomic_store(&d->busy, false);
    CHECK(nm_desc_close(d) == 0 && nm_desc_close(NULL) == 0);
}

int main(void)
{
    names_become_requests();
    legacy_requests();
    parents();
    mapping_later();
    failures();
    extra_buffers();
    two_threads();
    return 0;
}
