/*
 * Death between any two instructions of the syncs of a port that is monitored. A child is single-stepped
 * through them, to learn which instructions store something that others see. The next is killed after the
 * first of its stores, the next after the second, and so on until one gets to the end: between two stores
 * a death is the same at any instruction. Then no buffer of the region may be lost or be in two places,
 * and what arrives, at the receiver as at the monitors, must be whole, in order and new.
 *
 * core: message.c device usernet interfaces afpacket
 * modes: plain
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/session.h"

#ifndef __x86_64__
int main(void)
{
    printf("breakpoints are set in the machine's code; to run it: x86-64\n");
    return 77;
}
#else

#define SKIP 77
#define SLOTS 16
#define BATCH 3
#define SITES 512       /* instructions that store: the syncs here have about 40 */
#define BREAKPOINT 0xcc /* int3 */
#define PATIENCE 60        /* seconds for one life, which takes milliseconds */

enum { WATCHED, OTHER, FIRST, SECOND, CLIENTS }; /* two ends, and a chain of monitors of the first */

struct packet {
    uint8_t dst[6], src[6], type[2], sender, pad;
    uint32_t number, inverse;
};

struct region {
    uint16_t mem_id;
    uint32_t buffers;
};

static struct client client[CLIENTS];
static bool is_open[CLIENTS];
static struct client second_ring; /* of the watched port */
static uint32_t sent[2];          /* by each end, ever */
static uint32_t next[CLIENTS][2]; /* number that each client may see next of each end */

static const struct scenario {
    const char *name;
    const char *ends[2];
    int monitors;          /* that the parent has open all along */
    int child_monitor;     /* the child's, which dies with it */
    int late_monitor;      /* that the parent opens when the child has its own */
    bool child_is_watched; /* the watched end is the child's */
    uint64_t flags;        /* of the monitors */
    bool one_ring;         /* the watched port stays, by a second ring that the parent has */
} scenarios[] = {
    {"a switch", {"vale0:w", "vale0:o"}, 1, 0, 0, false, NR_ZCOPY_MON, false},
    {"a switch, two monitors", {"vale0:w", "vale0:o"}, 2, 0, 0, false, NR_ZCOPY_MON, false},
    {"a switch, the monitor dies", {"vale0:w", "vale0:o"}, 0, FIRST, 0, false, NR_ZCOPY_MON, false},
    {"a switch, the first monitor dies", {"vale0:w", "vale0:o"}, 0, FIRST, SECOND, false, NR_ZCOPY_MON, false},
    {"a switch, the second monitor dies", {"vale0:w", "vale0:o"}, 1, SECOND, 0, false, NR_ZCOPY_MON, false},
    {"a switch, the watched port dies", {"vale0:w", "vale0:o"}, 0, 0, FIRST, true, NR_ZCOPY_MON, false},
    {"a switch, the watched ring dies", {"vale0:w", "vale0:o"}, 0, 0, FIRST, true, NR_ZCOPY_MON, true},
    {"a pipe", {"x{1", "x}1"}, 1, 0, 0, false, NR_ZCOPY_MON, false},
    {"a pipe, the monitor dies", {"x{1", "x}1"}, 0, FIRST, 0, false, NR_ZCOPY_MON, false},
    {"a pipe, the watched end dies", {"x{1", "x}1"}, 0, 0, FIRST, true, NR_ZCOPY_MON, false},
    {"a switch, copies", {"vale0:w", "vale0:o"}, 1, 0, 0, false, 0, false},
    {"a pipe, copies", {"x{1", "x}1"}, 1, 0, 0, false, 0, false},
};
static const struct scenario *scenario;
static uint32_t stores; /* that a child lived to make */
static bool finished;

static void say_where(void)
{
    if (!finished)
        fprintf(stderr, "%s, killed after %u stores, process %d\n", scenario->name, stores, (int)getpid());
}

static void on_alarm(int number)
{
    (void)number;
    say_where();
    fprintf(stderr, "somebody hangs\n");
    _exit(1);
}

static bool is_pipe(void)
{
    return strchr(scenario->ends[0], '{');
}

/* ---- clients ----------------------------------------------------------------------- */

static void open_monitor(int which)
{
    uint64_t flags = NR_MONITOR_TX | NR_MONITOR_RX | scenario->flags;

    CHECK_EQ(client_try(&client[which], scenario->ends[WATCHED], SLOTS, flags, NULL), 0);
    is_open[which] = true;
    /* What passed before is not shown. */
    next[which][WATCHED] = sent[WATCHED];
    next[which][OTHER] = sent[OTHER];
}

static void attach(struct client *new, const char *name, struct nmreq_register *reg)
{
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &new->device, msg), 0);
    CHECK_EQ(client_request(new->device, NETMAP_REQ_REGISTER, name, reg, NULL), 0);
    new->memsize = reg->nr_memsize;
    CHECK_EQ(new->device->ops->mmap(new->device, new->memsize, 0, &new->mem), 0);
    new->nifp = (struct netmap_if *)((char *)new->mem + reg->nr_offset);
    new->tx = (struct netmap_ring *)((char *)new->nifp + new->nifp->ring_ofs[0]);
    new->rx = (struct netmap_ring *)((char *)new->nifp + new->nifp->ring_ofs[new->nifp->ni_tx_rings + 1]);
}

static void open_ring(struct client *new, uint16_t ring)
{
    struct nmreq_register reg = {.nr_mode = NR_REG_ONE_NIC, .nr_ringid = ring, .nr_tx_rings = 2, .nr_rx_rings = 2,
                                 .nr_tx_slots = SLOTS, .nr_rx_slots = SLOTS};

    attach(new, scenario->ends[WATCHED], &reg);
}

static void open_end(int which)
{
    if (which == WATCHED && scenario->one_ring)
        open_ring(&client[which], 0);
    else
        client_open(&client[which], scenario->ends[which], SLOTS);
    is_open[which] = true;
}

static void shut(int which)
{
    if (is_open[which])
        client_close(&client[which]);
    is_open[which] = false;
}

/* What a client may do to slots that it has: their buffers change places. */
static void exchange(struct netmap_slot *a, struct netmap_slot *b)
{
    uint32_t index = a->buf_idx;

    a->buf_idx = b->buf_idx;
    b->buf_idx = index;
    a->flags |= NS_BUF_CHANGED;
    b->flags |= NS_BUF_CHANGED;
}

static void put(int end, int count)
{
    struct netmap_ring *ring = client[end].tx;

    for (int i = 0; i < count; i++) {
        uint32_t number = sent[end]++;
        struct packet packet = {.dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, .src = {2, 0, 0, 0, 0, (uint8_t)end},
                                .type = {0x88, 0xb5}, .sender = (uint8_t)end, .number = number, .inverse = ~number};

        if (client_space(ring) > 1)
            exchange(&ring->slot[ring->head], &ring->slot[client_next(ring, ring->head)]);
        CHECK(client_put(&client[end], &packet, sizeof(packet)));
    }
}

/* Reads what has arrived, without giving it back yet. A monitor whose port has gone keeps what it has. */
static void read_all(int which)
{
    struct nm_device *device = client[which].device;
    struct netmap_ring *ring = client[which].rx;

    CHECK(device->ops->rxsync(device) == 0 || (which >= FIRST && scenario->child_is_watched));
    for (; client_space(ring); ring->head = ring->cur = client_next(ring, ring->head)) {
        struct packet packet;

        if (which < FIRST && client_space(ring) > 1) { /* with what is in them */
            uint32_t here = ring->head, after = client_next(ring, here);
            struct packet second;

            memcpy(&packet, client_buf(ring, here), sizeof(packet));
            memcpy(&second, client_buf(ring, after), sizeof(second));
            exchange(&ring->slot[here], &ring->slot[after]);
            memcpy(client_buf(ring, here), &packet, sizeof(packet));
            memcpy(client_buf(ring, after), &second, sizeof(second));
        }
        memcpy(&packet, client_buf(ring, ring->head), sizeof(packet));
        CHECK_EQ(ring->slot[ring->head].len, sizeof(packet));
        CHECK_EQ(packet.inverse, ~packet.number);
        CHECK(packet.sender < 2 && packet.number < sent[packet.sender]);
        CHECK(packet.number >= next[which][packet.sender]);
        next[which][packet.sender] = packet.number + 1;
    }
}

static void read_and_release(int which)
{
    if (!is_open[which])
        return;
    read_all(which);
    read_all(which); /* gives back what the first has read */
}

/* ---- where every buffer is --------------------------------------------------------- */

static struct region region_of(const char *name)
{
    struct nmreq_port_info_get info = {0};
    struct nmreq_pools_info pools = {0};
    struct nm_device *device;
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    CHECK_EQ(client_request(device, NETMAP_REQ_PORT_INFO_GET, name, &info, NULL), 0);
    CHECK_EQ(client_request(device, NETMAP_REQ_POOLS_INFO_GET, name, &pools, NULL), 0);
    device->ops->close(device);
    return (struct region){info.nr_mem_id, pools.nr_buf_pool_objtotal};
}

static void mark(bool *found, uint32_t buffers, uint32_t index)
{
    CHECK(index >= 2 && index < buffers);
    if (found[index])
        fprintf(stderr, "buffer %u is in two places\n", index);
    CHECK(!found[index]);
    found[index] = true;
}

static void mark_rings(bool *found, uint32_t buffers, const struct client *of, bool rx_too)
{
    const struct netmap_if *nifp = of->nifp;

    for (uint32_t r = 0; r < nifp->ni_tx_rings + 1 + (rx_too ? nifp->ni_rx_rings : 0); r++) {
        const struct netmap_ring *ring = (const struct netmap_ring *)((const char *)nifp + nifp->ring_ofs[r]);

        for (uint32_t i = 0; nifp->ring_ofs[r] && i < ring->num_slots; i++)
            mark(found, buffers, ring->slot[i].buf_idx);
    }
}

/* The dead are cleared away when somebody looks for them. */
static void bury(void)
{
    struct nmu_device *dev = NMU(client[OTHER].device);

    CHECK_EQ(nmu_session_begin(dev), 0);
    (void)nmu_reap(dev);
    nmu_session_end(dev);
}

/* Each buffer is in one slot, or free. The free ones are found by asking for all of them. While nothing is
 * on its way a pipe's buffers are the senders'; what its rx rings say is old. */
static void check_buffers(struct region region)
{
    struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC, .nr_extra_bufs = 1000000, .nr_mem_id = region.mem_id,
                                 .nr_tx_slots = SLOTS, .nr_rx_slots = SLOTS};
    bool *found = calloc(region.buffers, sizeof(*found)), pipe = is_pipe();
    uint32_t index, next_index;
    struct client all = {0};

    CHECK(found);
    attach(&all, "vale7:all", &reg);
    for (index = all.nifp->ni_bufs_head; index; index = next_index) {
        mark(found, region.buffers, index);
        memcpy(&next_index, (char *)all.rx + all.rx->buf_ofs + (size_t)index * all.rx->nr_buf_size, sizeof(next_index));
    }
    mark_rings(found, region.buffers, &all, true);
    if (scenario->one_ring)
        mark_rings(found, region.buffers, &second_ring, true);
    for (int i = 0; i < CLIENTS; i++) /* ports of a switch, and monitors that copy, have a region of their own */
        if (is_open[i] && (i != OTHER || pipe) && (i < FIRST || scenario->flags))
            mark_rings(found, region.buffers, &client[i], i >= FIRST || !pipe);
    for (index = 2; index < region.buffers; index++) {
        if (!found[index])
            fprintf(stderr, "buffer %u is lost\n", index);
        CHECK(found[index]);
    }
    client_close(&all);
    free(found);
}

/* ---- a child, step by step --------------------------------------------------------- */

/* What others see of the syncs: krings, slots, and what pipes have agreed on. */
#define PARTS 40

struct view {
    struct part {
        const void *now;
        size_t size;
        uint8_t last[1024];
    } part[PARTS];
    unsigned parts;
};

static void view_part(struct view *view, const void *now, size_t size)
{
    struct part *part = &view->part[view->parts++];

    CHECK(view->parts <= PARTS && size <= sizeof(part->last));
    part->now = now;
    part->size = size;
}

static void view_open(struct view *view, struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);
    struct nmu_registry *reg = dev->reg;

    view->parts = 0;
    for (uint32_t i = 1; i < NMU_KRINGS; i++) {
        const struct nmu_kring *kring = &reg->krings[i];
        const struct nmu_region *region = &reg->regions[reg->ports[kring->port].region];

        if (!(reg->krings_taken[i / 64] >> i % 64 & 1) || !kring->ring_ofs)
            continue;
        view_part(view, kring, sizeof(*kring));
        view_part(view, nmu_ring(dev, kring)->slot, SLOTS * sizeof(struct netmap_slot));
        if (kring->tx && kring->pipe_peer)
            view_part(view, nmu_region_map(dev, reg->ports[kring->port].region) + region->agreed + kring->ring_ofs -
                                region->pool[NMU_POOL_RING].offset,
                      SLOTS * sizeof(struct netmap_slot));
    }
}

static bool view_changed(struct view *view)
{
    bool changed = false;

    for (struct part *part = view->part; part < view->part + view->parts; part++)
        if (memcmp(part->last, part->now, part->size)) {
            memcpy(part->last, part->now, part->size);
            changed = true;
        }
    return changed;
}

/* Where the syncs have just stored something that others see, and what is in the place of a breakpoint. */
static struct site {
    uint64_t address;
    uint8_t byte;
} site[SITES];
static unsigned site_count;

static void wait_for_stop(pid_t pid)
{
    int status;

    CHECK_EQ(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIP) {
        printf("children cannot be traced here; to run it: allow ptrace (container: --cap-add SYS_PTRACE)\n");
        finished = true;
        exit(SKIP);
    }
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void let_go_on(pid_t pid)
{
    CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
    wait_for_stop(pid);
}

static uint64_t program_counter(pid_t pid)
{
    struct user_regs_struct regs;

    CHECK_EQ(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
    return regs.rip;
}

static void set_program_counter(pid_t pid, uint64_t address)
{
    struct user_regs_struct regs;

    CHECK_EQ(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
    regs.rip = address;
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
}

static void poke(pid_t pid, uint64_t address, uint8_t byte)
{
    long word;

    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, pid, (void *)address, NULL);
    CHECK_EQ(errno, 0);
    CHECK_EQ(ptrace(PTRACE_POKETEXT, pid, (void *)address, (void *)((word & ~0xffl) | byte)), 0);
}

static uint8_t peek(pid_t pid, uint64_t address)
{
    long word;

    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, pid, (void *)address, NULL);
    CHECK_EQ(errno, 0);
    return (uint8_t)word;
}

/* Lets a child go on to its next stop; false if that is the end of the syncs. */
static bool go_on(pid_t pid, enum __ptrace_request request)
{
    int status;

    CHECK_EQ(ptrace(request, pid, NULL, NULL), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSTOPPED(status) && (WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP));
    return WSTOPSIG(status) == SIGTRAP;
}

/* Steps through all of the syncs, and notes the instructions behind those that store. */
static void learn(pid_t pid, struct view *view)
{
    view_changed(view);
    for (site_count = 0; go_on(pid, PTRACE_SINGLESTEP);) {
        uint64_t address = program_counter(pid);
        unsigned known = 0;

        if (!view_changed(view))
            continue;
        while (known < site_count && site[known].address != address)
            known++;
        CHECK(known < SITES);
        site[known] = (struct site){address, peek(pid, address)};
        if (known == site_count)
            site_count++;
    }
}

static const struct site *site_at(uint64_t address)
{
    for (const struct site *known = site; known < site + site_count; known++)
        if (known->address == address)
            return known;
    return NULL;
}

/* Runs the syncs up to the store given, from one breakpoint to the next; true if they ended before it. */
static bool run_to_store(pid_t pid, struct view *view)
{
    uint32_t seen = 0;

    view_changed(view);
    for (unsigned i = 0; i < site_count; i++)
        poke(pid, site[i].address, BREAKPOINT);
    while (go_on(pid, PTRACE_CONT)) {
        const struct site *at = site_at(program_counter(pid) - 1);

        CHECK(at);
        set_program_counter(pid, at->address);
        seen += view_changed(view);
        if (seen == stores)
            return false;
        poke(pid, at->address, at->byte);
        if (!go_on(pid, PTRACE_SINGLESTEP))
            return true;
        poke(pid, at->address, BREAKPOINT);
        seen += view_changed(view);
        if (seen == stores)
            return false;
    }
    return true;
}

/* ---- lives ------------------------------------------------------------------------- */

static void child(void)
{
    signal(SIGALRM, SIG_DFL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(SKIP);
    if (scenario->child_is_watched)
        open_end(WATCHED);
    if (scenario->child_monitor)
        open_monitor(scenario->child_monitor);
    client_txsync(&client[WATCHED]); /* the first maps memory */
    raise(SIGSTOP);                  /* the parent's late monitor comes, and packets */
    sent[OTHER] += BATCH;
    put(WATCHED, BATCH);
    client_txsync(&client[WATCHED]);
    read_all(WATCHED);
    put(WATCHED, BATCH);
    if (is_open[FIRST]) /* it has something to give back to the second */
        read_all(FIRST);
    raise(SIGSTOP);
    client_txsync(&client[WATCHED]);
    client_rxsync(&client[WATCHED]);
    if (is_open[FIRST])
        client_rxsync(&client[FIRST]); /* the second's turn */
    raise(SIGSTOP);
    _exit(0);
}

/* Sends what was put, and moves everything to where it goes: to the monitors with the second sync. */
static void quiet_down(void)
{
    for (int round = 0; round < 3; round++) {
        for (int end = WATCHED; end <= OTHER; end++)
            if (is_open[end])
                client_txsync(&client[end]);
        for (int which = WATCHED; which < CLIENTS; which++)
            read_and_release(which);
    }
    for (int end = WATCHED; end <= OTHER; end++)
        CHECK(!is_open[end] || !is_open[!end] || client_space(client[end].tx) == SLOTS - 1);
}

/* Whoever has survived sees what is sent from now on. */
static void all_goes_on(void)
{
    bool watched = is_open[WATCHED];

    for (int end = OTHER; end >= WATCHED; end--)
        if (is_open[end]) {
            put(end, SLOTS - 1);
            quiet_down();
        }
    if (!watched)
        return;
    CHECK_EQ(next[OTHER][WATCHED], sent[WATCHED]);
    CHECK_EQ(next[WATCHED][OTHER], sent[OTHER]);
    for (int which = FIRST; which < CLIENTS; which++)
        for (int end = WATCHED; end <= OTHER && is_open[which] && !scenario->child_is_watched; end++)
            CHECK_EQ(next[which][end], sent[end]);
}

/* One child that makes so many stores; true if it had no more to make. */
static bool live(void)
{
    struct view view;
    struct region region;
    bool ended = false;
    pid_t pid;

    alarm(PATIENCE);
    pid = fork();
    CHECK(pid >= 0);
    if (!pid)
        child();
    wait_for_stop(pid);
    if (scenario->late_monitor)
        open_monitor(scenario->late_monitor);
    region = region_of(scenario->ends[0]);
    put(OTHER, BATCH);
    client_txsync(&client[OTHER]);
    let_go_on(pid);
    next[WATCHED][OTHER] = sent[OTHER]; /* the child has read these, and what the monitor had */
    if (scenario->monitors && (!is_pipe() || !scenario->flags))
        next[FIRST][WATCHED] = sent[WATCHED] + BATCH;
    sent[WATCHED] += 2 * BATCH;
    view_open(&view, client[OTHER].device);
    if (stores)
        ended = run_to_store(pid, &view);
    else
        learn(pid, &view);
    kill(pid, SIGKILL);
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
    quiet_down();
    bury();
    if (scenario->child_is_watched && is_pipe()) { /* its rings are there as long as the other end */
        open_end(WATCHED);
        quiet_down();
    }
    all_goes_on();
    check_buffers(region);
    if (scenario->late_monitor)
        shut(scenario->late_monitor);
    if (scenario->child_is_watched)
        shut(WATCHED);
    alarm(0);
    return ended;
}

static void play(void)
{
    if (scenario->one_ring)
        open_ring(&second_ring, 1);
    for (int end = scenario->child_is_watched ? OTHER : WATCHED; end <= OTHER; end++)
        open_end(end);
    for (int i = 0; i < scenario->monitors; i++)
        open_monitor(FIRST + i);
    for (stores = 0; !live(); stores++)
        ;
    CHECK(stores > 10 * BATCH); /* else the view is of something else */
    printf("%s: %u deaths, %u sites\n", scenario->name, stores, site_count);
    for (int which = CLIENTS - 1; which >= 0; which--)
        shut(which);
    if (scenario->one_ring)
        client_close(&second_ring);
}

/* A step then is a switch to the child and back, without waking a processor twice: much faster. */
static void stay_on_one_processor(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    stay_on_one_processor();
    atexit(say_where);
    signal(SIGALRM, on_alarm);
    for (scenario = scenarios; scenario < scenarios + sizeof(scenarios) / sizeof(scenarios[0]); scenario++)
        play();
    finished = true;
    return 0;
}
#endif
