/*
 * Locks between processes that are killed, stopped, forked and replaced while they hold one.
 *
 * What must hold: there is never more than one in the locked part who runs; who has been killed there holds nobody up;
 * who has been stopped there holds others up for a bounded time, and finds, when it goes on, that nobody was in
 * it meanwhile; and what a stopped sender was writing to is nobody else's until it has gone on.
 *
 * core: message.c device usernet interfaces afpacket
 * modes: plain asan
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"
#include "client.h"
#include "usernet/lock.h"
#include "usernet/session.h"

#define CHILDREN 4
#define KILLS 150
#define STOPS 100
#define PATIENCE 60 /* seconds for what takes a few */
#define MS UINT64_C(1000000)

static struct shared {
    struct nmu_lock lock;
    _Atomic uint32_t inside; /* process in the locked part; plain stores, which only the lock orders */
    _Atomic uint64_t entered, inherited, in_vain;
    uint64_t first, last; /* equal whenever somebody enters who was not told of a death */
} *shared;

static void pause_ns(uint64_t ns)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)}, NULL);
}

/* A device with a registry mapped, that somebody keeps in use. */
static struct nmu_device *open_member(void)
{
    struct nm_device *device;
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    CHECK_EQ(nmu_session_begin(NMU(device)), 0);
    nmu_session_end(NMU(device));
    CHECK(nmu_member(NMU(device)));
    return NMU(device);
}

/* ---- one word, many processes -------------------------------------------------------- */

static void enter_and_leave(struct nmu_device *dev)
{
    uint32_t found, self = (uint32_t)getpid();
    int error = nmu_lock_free(dev, &shared->lock, &found)
                    ? 0
                    : nmu_lock_wait(dev, &shared->lock, NMU_RING_PATIENCE_NS, false);

    if (error == ETIMEDOUT) {
        atomic_fetch_add(&shared->in_vain, 1);
        return;
    }
    CHECK(error == 0 || error == EOWNERDEAD);
    if (error == EOWNERDEAD)
        atomic_fetch_add(&shared->inherited, 1);
    else
        CHECK_EQ(shared->first, shared->last);
    atomic_store_explicit(&shared->inside, self, memory_order_relaxed);
    shared->first = shared->last + 1;
    for (uint64_t i = pick(3000); i > 0; i--) /* long enough to be caught here */
        CHECK_EQ(atomic_load_explicit(&shared->inside, memory_order_relaxed), self);
    shared->last = shared->first;
    atomic_fetch_add(&shared->entered, 1);
    nmu_unlock(&shared->lock);
}

static pid_t start_hammering(void)
{
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid)
        return pid;
    alarm(PATIENCE);
    random_state += (uint64_t)getpid();
    for (struct nmu_device *dev = open_member();;)
        enter_and_leave(dev);
}

static void end(pid_t pid)
{
    int status;

    CHECK_EQ(kill(pid, SIGKILL), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* no check has failed there */
}

static void wait_for_more(uint64_t entered)
{
    uint64_t wanted = atomic_load(&shared->entered) + entered;

    while (atomic_load(&shared->entered) < wanted)
        pause_ns(MS / 10);
}

static void killed_and_stopped(void)
{
    pid_t child[CHILDREN];

    memset((void *)shared, 0, sizeof(*shared));
    for (int i = 0; i < CHILDREN; i++)
        child[i] = start_hammering();
    for (int i = 0; i < KILLS; i++) {
        int which = (int)pick(CHILDREN);

        pause_ns(pick(2 * MS));
        end(child[which]);
        wait_for_more(20);
        child[which] = start_hammering();
    }
    for (int i = 0; i < STOPS; i++) {
        int which = (int)pick(CHILDREN);

        CHECK_EQ(kill(child[which], SIGSTOP), 0);
        pause_ns(pick(5 * MS));
        CHECK_EQ(kill(child[which], SIGCONT), 0);
        wait_for_more(20);
    }
    CHECK_EQ(atomic_load(&shared->in_vain), 0); /* nobody was away for long enough */
    for (int i = 0; i < CHILDREN; i++)
        end(child[i]);
    printf("%llu times in, %llu inherited\n", (unsigned long long)atomic_load(&shared->entered),
           (unsigned long long)atomic_load(&shared->inherited));
    CHECK(atomic_load(&shared->inherited) > 0);
}

/* ---- one holder ---------------------------------------------------------------------- */

/* A child that has the lock, and goes on once it is told. */
static pid_t start_holding(struct nmu_device *inherited, struct nmu_lock *lock)
{
    int ready[2], status;
    char byte;
    pid_t pid;

    CHECK_EQ(pipe(ready), 0);
    pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        struct nmu_device *dev;

        for (int fd = 3; fd < 256 && !inherited; fd++) /* sockets that would keep its parent's ports */
            if (fd != ready[1])
                close(fd);
        dev = inherited ? inherited : open_member();
        if (inherited)
            CHECK_EQ(nmu_member_join(dev), 0); /* it is another process */
        CHECK(nmu_trylock(dev, lock));
        CHECK_EQ(write(ready[1], "", 1), 1);
        raise(SIGSTOP);
        nmu_unlock(lock);
        _exit(0);
    }
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void go_on(pid_t pid)
{
    int status;

    CHECK_EQ(kill(pid, SIGCONT), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void nobody_takes_a_lock_from_the_living(void)
{
    struct nmu_device *dev = open_member();
    struct nmu_lock *lock = &shared->lock;
    uint64_t began = now_ns(), waited;
    pid_t pid;

    memset((void *)shared, 0, sizeof(*shared));
    pid = start_holding(NULL, lock);
    CHECK(!nmu_trylock(dev, lock));
    CHECK_EQ(nmu_lock_wait(dev, lock, NMU_RING_PATIENCE_NS, false), ETIMEDOUT);
    waited = now_ns() - began;
    CHECK(waited >= NMU_RING_PATIENCE_NS && waited < 10 * NMU_RING_PATIENCE_NS);
    CHECK(lock->word & NMU_LOCK_STALLED);
    CHECK_EQ(lock->pid, pid);
    began = now_ns();
    for (int i = 0; i < 100; i++)
        CHECK_EQ(nmu_lock_wait(dev, lock, NMU_RING_PATIENCE_NS, false), ETIMEDOUT);
    CHECK(now_ns() - began < NMU_RING_PATIENCE_NS); /* who comes later does not wait at all */
    go_on(pid);
    CHECK_EQ(lock->word, 0);
    CHECK(nmu_trylock(dev, lock));
    nmu_unlock(lock);
    dev->device.ops->close(&dev->device);
}

static void a_stalled_lock_is_inherited_once_its_holder_dies(void)
{
    struct nmu_device *dev = open_member();
    struct nmu_lock *lock = &shared->lock;
    pid_t pid = start_holding(NULL, lock);

    CHECK_EQ(nmu_lock_wait(dev, lock, NMU_RING_PATIENCE_NS, false), ETIMEDOUT);
    end(pid);
    CHECK_EQ(nmu_lock_wait(dev, lock, NMU_RING_PATIENCE_NS, false), EOWNERDEAD);
    nmu_unlock(lock);
    CHECK_EQ(lock->word, 0);
    dev->device.ops->close(&dev->device);
}

/* A child has a number of its own, and keeps nothing of its parent's alive. */
static void a_child_is_another_member(void)
{
    struct nmu_device *dev = open_member(), *watcher = open_member();
    uint32_t parent = nmu_member(dev);
    pid_t pid = start_holding(dev, &shared->lock);

    CHECK((shared->lock.word & NMU_MEMBERS) != parent);
    CHECK(nmu_member_lives(watcher, shared->lock.word & NMU_MEMBERS));
    CHECK(nmu_member_lives(watcher, parent));
    dev->device.ops->close(&dev->device); /* the child still has all of its descriptors */
    CHECK(!nmu_member_lives(watcher, parent));
    CHECK(!nmu_trylock(watcher, &shared->lock));
    end(pid);
    CHECK(nmu_trylock(watcher, &shared->lock));
    nmu_unlock(&shared->lock);
    watcher->device.ops->close(&watcher->device);
}

/* exec ends a member as death does: the process is the same, its memory is not. */
static void exec_ends_a_member(void)
{
    struct nmu_device *dev = open_member();
    int ready[2];
    pid_t pid;
    char byte;

    CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        CHECK(nmu_trylock(open_member(), &shared->lock));
        execlp("sleep", "sleep", "60", NULL);
        _exit(1);
    }
    close(ready[1]);
    CHECK_EQ(read(ready[0], &byte, 1), 0); /* it has been closed by exec */
    close(ready[0]);
    CHECK_EQ(nmu_lock_wait(dev, &shared->lock, NMU_RING_PATIENCE_NS, false), EOWNERDEAD);
    nmu_unlock(&shared->lock);
    end(pid);
    dev->device.ops->close(&dev->device);
}

static void garbage_is_waited_for_in_bounds(void)
{
    static const uint32_t garbage[] = {0x20000001, 0x3fffffff, 0x40000000, 0x80000000, 0xffffffff, 0xc0000000, 0x7fffffff};
    struct nmu_device *dev = open_member(), *other = open_member();

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        int error;

        shared->lock.word = garbage[i];
        error = nmu_lock_wait(dev, &shared->lock, NMU_RING_PATIENCE_NS, false);
        CHECK(error == 0 || error == EOWNERDEAD); /* those are nobody's */
        nmu_unlock(&shared->lock);
        CHECK_EQ(shared->lock.word, 0);
    }
    for (int own = 0; own < 2; own++) { /* somebody's who knows nothing of it */
        shared->lock.word = nmu_member(own ? dev : other);
        CHECK_EQ(nmu_lock_wait(dev, &shared->lock, NMU_RING_PATIENCE_NS, false), ETIMEDOUT);
    }
    shared->lock.word = 0;
    dev->device.ops->close(&dev->device);
    other->device.ops->close(&other->device);
}

/* ---- the registry, and rings --------------------------------------------------------- */

static void no_op(int number)
{
    (void)number;
}

static void a_stopped_opener_is_an_error_in_time(void)
{
    struct nmu_device *dev = open_member();
    struct sigaction heeded = {.sa_handler = no_op}, before;
    struct client client;
    pid_t pid = start_holding(NULL, &dev->reg->lock);
    uint64_t began = now_ns();

    CHECK_EQ(sigaction(SIGALRM, &heeded, &before), 0);
    /* Again and again: one that comes between two sleeps is not seen, as the whole wait has its bound. */
    CHECK_EQ(setitimer(ITIMER_REAL, &(struct itimerval){{0, 50000}, {0, 300000}}, NULL), 0);
    CHECK_EQ(nmu_session_begin(dev), EINTR);
    CHECK(now_ns() - began < NMU_REGISTRY_PATIENCE_NS);
    CHECK_EQ(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL), 0);
    CHECK_EQ(sigaction(SIGALRM, &before, NULL), 0);
    alarm(PATIENCE);
    CHECK_EQ(client_try(&client, "vale0:late", 16, 0, NULL), EBUSY);
    CHECK(now_ns() - began < 3 * NMU_REGISTRY_PATIENCE_NS);
    CHECK_EQ(nmu_session_begin(dev), EBUSY);
    CHECK(strstr(dev->device.msg, "kill -CONT"));
    CHECK_EQ(atoi(strstr(dev->device.msg, "process ") + 8), pid);
    go_on(pid);
    client_open(&client, "vale0:late", 16);
    client_close(&client);
    dev->device.ops->close(&dev->device);
}

static struct nmreq_port_counters counters_of(struct client *client, const char *name)
{
    struct nmreq_port_counters counters = {0};

    CHECK_EQ(client_request(client->device, NMPCAP_REQ_PORT_COUNTERS_GET, name, &counters, NULL), 0);
    return counters;
}

static struct nmu_port *port_of(struct nm_device *device)
{
    struct nmu_registry *reg = NMU(device)->reg;

    return &reg->ports[reg->descs[NMU(device)->desc].port];
}

static struct nmu_kring *rx_kring(struct nm_device *device)
{
    return &NMU(device)->reg->krings[port_of(device)->krings + port_of(device)->tx_rings];
}

/* A sender that is stopped inside a delivery: others' packets count as dropped, or wait where they are told to. */
static void a_stopped_sender_holds_up_no_other(void)
{
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
    struct nmreq_option patient = {.nro_reqtype = NMPCAP_OPT_BACKPRESSURE};
    struct client receiver, other, sender, waiting;
    uint64_t began;
    short revents;
    pid_t pid;

    client_open(&receiver, "vale0:r", 16);
    client_open(&other, "vale0:o", 16);
    client_open(&sender, "vale0:s", 16);
    CHECK_EQ(client_try(&waiting, "vale0:w", 16, 0, &patient), 0);
    pid = start_holding(NULL, &rx_kring(receiver.device)->deliver);
    began = now_ns();
    for (int i = 0; i < 5; i++) {
        CHECK(client_put(&sender, frame, sizeof(frame)));
        client_txsync(&sender);
    }
    CHECK(client_put(&waiting, frame, sizeof(frame)));
    CHECK_EQ(waiting.device->ops->poll(waiting.device, POLLOUT, 200, &revents), 0);
    CHECK(now_ns() - began < 2000 * MS);
    client_rxsync(&other);
    CHECK_EQ(client_space(other.rx), 5); /* what was for them has come */
    CHECK_EQ(counters_of(&sender, "vale0:r").dropped, 5);
    CHECK_EQ(counters_of(&sender, "vale0:w").sent, 0);
    go_on(pid);
    client_txsync(&waiting);
    client_rxsync(&receiver);
    CHECK_EQ(client_space(receiver.rx), 1);
    CHECK_EQ(counters_of(&sender, "vale0:w").sent, 1);
    client_close(&receiver);
    client_close(&other);
    client_close(&sender);
    client_close(&waiting);
}

/* The receiver closes under a stopped sender: neither its ring record nor its memory is anybody else's until that has
 * gone on, although the region lives on. */
static void what_a_stopped_sender_writes_to_stays_nobodys(void)
{
    struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC, .nr_tx_slots = 16, .nr_rx_slots = 16};
    struct client keeper;
    struct nm_device *going, *next;
    struct nmu_registry *registry;
    uint64_t ring_ofs;
    uint32_t kring;
    char msg[NM_MSG_SIZE];
    pid_t pid;

    client_open(&keeper, "vale0:keeper", 16);
    registry = NMU(keeper.device)->reg;
    reg.nr_mem_id = (uint16_t)port_of(keeper.device)->region;
    CHECK_EQ(nm_user_open(NULL, &going, msg), 0);
    CHECK_EQ(client_request(going, NETMAP_REQ_REGISTER, "vale0:going", &reg, NULL), 0);
    kring = (uint32_t)(rx_kring(going) - NMU(going)->reg->krings);
    ring_ofs = registry->krings[kring].ring_ofs;
    pid = start_holding(NULL, &registry->krings[kring].deliver);
    going->ops->close(going);
    for (int gone_on = 0; gone_on < 2; gone_on++) {
        bool same = false;

        CHECK_EQ(nm_user_open(NULL, &next, msg), 0);
        CHECK_EQ(client_request(next, NETMAP_REQ_REGISTER, "vale0:next", &reg, NULL), 0);
        for (uint32_t k = port_of(next)->krings; k < port_of(next)->krings + 2; k++) {
            same |= k == kring;
            CHECK(registry->krings[k].ring_ofs != ring_ofs); /* that comes back when its region ends */
        }
        CHECK_EQ(same, gone_on);
        next->ops->close(next);
        if (!gone_on)
            go_on(pid);
    }
    client_close(&keeper);
}

int main(void)
{
    struct client keeper; /* of the registry */

    chance_begin();
    alarm(PATIENCE);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    client_open(&keeper, "vale1:keeper", 16);
    killed_and_stopped();
    nobody_takes_a_lock_from_the_living();
    a_stalled_lock_is_inherited_once_its_holder_dies();
    a_child_is_another_member();
    exec_ends_a_member();
    garbage_is_waited_for_in_bounds();
    a_stopped_opener_is_an_error_in_time();
    a_stopped_sender_holds_up_no_other();
    client_close(&keeper);
    what_a_stopped_sender_writes_to_stays_nobodys();
    munmap(shared, sizeof(*shared));
    return 0;
}
