/*
 * Death at any instruction. A child does something and is killed on its way: stopped by ptrace at one
 * system call after another, a number of instructions after one, or at some moment of its run. Then
 * those that survive must go on as if it had closed: locks are free, its ports are gone, what it had
 * handed over is there and whole, nothing of it lies in the runtime directory.
 *
 * NMPCAP_TEST_SEED repeats the choices; NMPCAP_DEATH_KILLS (40) are made in each of the three ways.
 *
 * core: message.c device usernet interfaces afpacket
 * modes: plain
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"
#include "client.h"

#define SKIP 77
#define SLOTS 16
#define PATIENCE 20 /* seconds for what takes milliseconds */

struct packet {
    uint8_t dst[6], src[6], type[2], station, pad;
    uint32_t number, inverse;
};

/* What the child and its parent both see, without nmpcap. */
static struct shared {
    _Atomic uint32_t handed_over; /* packets whose txsync has returned */
} *shared;

/* Where a child is killed. */
struct moment {
    uint64_t calls;       /* so many stops at system calls from its start, */
    uint64_t instructions; /* and so many instructions from there; or */
    uint64_t ns;          /* so long after its start */
};

static struct client survivor[2];  /* vale0:s0 and vale0:s1 */
static struct client master;       /* of a pipe whose slave only children open */
static char own_dir[512], lone_dir[600];
static const char *scenario_name = "start";
static struct moment killed_at;

static bool finished;

static void say_where(void)
{
    if (!finished)
        fprintf(stderr, "%s, killed at system call %llu + %llu instructions or after %llu ns, process %d\n",
                scenario_name, (unsigned long long)killed_at.calls, (unsigned long long)killed_at.instructions,
                (unsigned long long)killed_at.ns, (int)getpid());
}

static void on_alarm(int number)
{
    (void)number;
    say_where();
    fprintf(stderr, "somebody hangs\n");
    _exit(1);
}

/* ---- packets ----------------------------------------------------------------------- */

static struct packet make(uint8_t station, uint32_t number)
{
    struct packet packet = {.dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, .src = {2, 0, 0, 0, 0, station},
                            .type = {0x88, 0xb5}, .station = station, .number = number, .inverse = ~number};

    return packet;
}

static void send_packets(struct client *client, uint8_t station, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct packet packet = make(station, i);

        CHECK(client_put(client, &packet, sizeof(packet)));
    }
    client_txsync(client);
    if (station == 'c')
        atomic_store(&shared->handed_over, to);
}

/* Takes everything; checks that a station's packets are whole and follow from the number given, none
 * twice. Returns the number after the last. */
static uint32_t take(struct client *client, uint8_t station, uint32_t next)
{
    struct netmap_ring *ring = client->rx;

    for (client_rxsync(client); client_space(ring); ring->head = ring->cur = client_next(ring, ring->head)) {
        struct packet packet;

        memcpy(&packet, client_buf(ring, ring->head), sizeof(packet));
        if (packet.station != station)
            continue;
        CHECK_EQ(ring->slot[ring->head].len, sizeof(packet));
        CHECK_EQ(packet.inverse, ~packet.number);
        CHECK(packet.number >= next);
        next = packet.number + 1;
    }
    client_rxsync(client);
    return next;
}

/* ---- what children do -------------------------------------------------------------- */

static void request(uint16_t type, const char *name, void *body, int allowed)
{
    struct nm_device *device;
    char msg[NM_MSG_SIZE];
    int error;

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    error = client_request(device, type, name, body, NULL);
    device->ops->close(device);
    if (error && error != allowed)
        CHECK_EQ(error, 0);
}

static void open_and_close(void)
{
    struct client client;

    client_open(&client, "vale0:c", SLOTS);
    client_close(&client);
}

static void send_to_all(void)
{
    struct client client;

    client_open(&client, "vale0:c", SLOTS);
    send_packets(&client, 'c', 0, 5);
    send_packets(&client, 'c', 5, 10);
    client_close(&client);
}

static void receive(void)
{
    struct client a, b;
    short revents;

    client_open(&a, "vale0:c", SLOTS);
    client_open(&b, "vale0:d", SLOTS);
    send_packets(&a, 'a', 0, 5);
    CHECK_EQ(take(&b, 'a', 0), 5);
    CHECK_EQ(b.device->ops->poll(b.device, POLLIN, 1, &revents), 0);
    send_packets(&a, 'a', 5, 8);
    CHECK_EQ(b.device->ops->poll(b.device, POLLIN, -1, &revents), 0);
    CHECK_EQ(take(&b, 'a', 5), 8);
    client_close(&b);
    client_close(&a);
}

static void slave_of_a_pipe(void)
{
    struct client slave;

    client_open(&slave, "x}1", SLOTS);
    send_packets(&slave, 'c', 0, 4);
    (void)take(&slave, 'm', 0);
    send_packets(&slave, 'c', 4, 8);
    client_close(&slave);
}

static void pipe_of_its_own(void)
{
    struct client ends[2];

    client_open(&ends[0], "y{1", SLOTS);
    client_open(&ends[1], "y}1", SLOTS);
    send_packets(&ends[0], 'y', 0, 6);
    CHECK_EQ(take(&ends[1], 'y', 0), 6);
    client_close(&ends[0]);
    client_close(&ends[1]);
}

static void monitor(uint64_t flags)
{
    struct client client;

    CHECK_EQ(client_try(&client, "vale0:s0", SLOTS, flags, NULL), 0);
    send_packets(&survivor[0], 'c', 0, 5); /* by the binding it has from its parent */
    (void)take(&client, 'c', 0);
    client_close(&client);
}

static void copy_monitor(void)
{
    monitor(NR_MONITOR_TX | NR_MONITOR_RX);
}

static void zero_copy_monitor(void)
{
    monitor(NR_MONITOR_TX | NR_MONITOR_RX | NR_ZCOPY_MON);
}

static void shared_binding(void)
{
    send_packets(&survivor[0], 'c', 0, 6);
    (void)take(&survivor[1], '-', 0);
    send_packets(&survivor[0], 'c', 6, 12);
}

static void persistent_port(void)
{
    struct nmreq_vale_newif newif = {0};
    struct nmreq_vale_attach attach = {.reg.nr_mode = NR_REG_ALL_NIC};
    struct nmreq_vale_detach detach = {0};
    struct client client;

    request(NETMAP_REQ_VALE_NEWIF, "p", &newif, 0);
    request(NETMAP_REQ_VALE_ATTACH, "vale0:p", &attach, 0);
    client_open(&client, "vale0:p", SLOTS);
    send_packets(&client, 'c', 0, 5);
    client_close(&client);
    request(NETMAP_REQ_VALE_DETACH, "vale0:p", &detach, 0);
    request(NETMAP_REQ_VALE_DELIF, "p", NULL, 0);
}

/* In a runtime directory without anybody else: the registry comes and goes too. */
static void all_alone(void)
{
    setenv("NMPCAP_RUNTIME_DIR", lone_dir, 1);
    open_and_close();
}

/* ---- what survivors find ----------------------------------------------------------- */

static unsigned files_in(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;
    struct dirent *entry;

    CHECK(directory);
    while ((entry = readdir(directory)))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static unsigned ports_listed(void)
{
    struct nmreq_vale_list list = {0};
    struct nm_device *device;
    char msg[NM_MSG_SIZE];
    unsigned count = 0;

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    for (; client_request(device, NETMAP_REQ_VALE_LIST, "", &list, NULL) == 0; list.nr_port_idx++)
        count++;
    device->ops->close(device);
    return count;
}

static void survivors_talk(void)
{
    (void)take(&survivor[1], '-', 0);
    send_packets(&survivor[0], 's', 0, 5);
    CHECK_EQ(take(&survivor[1], 's', 0), 5);
    (void)take(&survivor[0], '-', 0);
    send_packets(&survivor[1], 't', 0, 5);
    CHECK_EQ(take(&survivor[0], 't', 0), 5);
}

/* Whoever opens the name now has a new port, with nothing of the dead one's. */
static void name_is_free(const char *name)
{
    struct nmreq_port_counters counters;
    struct client client;

    client_open(&client, name, SLOTS);
    CHECK_EQ(client_request(client.device, NMPCAP_REQ_PORT_COUNTERS_GET, name, &counters, NULL), 0);
    CHECK_EQ(counters.sent, 0);
    CHECK_EQ(client.tx->head, 0);
    CHECK_EQ(client_space(client.rx), 0);
    client_close(&client);
}

/* Buffers of a port's region that nobody has. */
static unsigned free_buffers(const char *name)
{
    struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC, .nr_extra_bufs = 1000000};
    struct nm_device *device;
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    CHECK_EQ(client_request(device, NETMAP_REQ_REGISTER, name, &reg, NULL), 0);
    device->ops->close(device);
    return reg.nr_extra_bufs;
}

static void pipe_goes_on(void)
{
    struct client slave;

    (void)take(&master, '-', 0);
    client_open(&slave, "x}1", SLOTS);
    (void)take(&slave, '-', 0);
    send_packets(&master, 'm', 0, 6);
    CHECK_EQ(take(&slave, 'm', 0), 6);
    client_txsync(&slave); /* what the dead one had left unsent */
    (void)take(&master, '-', 0);
    send_packets(&slave, 'z', 0, 6);
    CHECK_EQ(take(&master, 'z', 0), 6);
    client_close(&slave);
}

static void persistent_port_can_be_removed(void)
{
    struct nmreq_vale_newif newif = {0};
    struct nmreq_vale_detach detach = {0};

    request(NETMAP_REQ_VALE_DETACH, "vale0:p", &detach, ENXIO);
    request(NETMAP_REQ_VALE_DELIF, "p", NULL, ENXIO);
    request(NETMAP_REQ_VALE_NEWIF, "p", &newif, 0);
    request(NETMAP_REQ_VALE_DELIF, "p", NULL, 0);
}

static void lone_directory_is_emptied_by_the_next(void)
{
    setenv("NMPCAP_RUNTIME_DIR", lone_dir, 1);
    open_and_close();
    setenv("NMPCAP_RUNTIME_DIR", own_dir, 1);
    CHECK_EQ(files_in(lone_dir), 0);
}

/* ---- scenarios --------------------------------------------------------------------- */

static const struct scenario {
    const char *name;
    void (*act)(void);
    struct client *witness; /* sees the packets that are handed over */
    void (*after)(void);
} scenarios[] = {
    {"opening and closing", open_and_close, NULL, NULL},
    {"sending", send_to_all, &survivor[0], NULL},
    {"receiving", receive, NULL, NULL},
    {"one end of a pipe", slave_of_a_pipe, &master, NULL},
    {"a pipe", pipe_of_its_own, NULL, NULL},
    {"monitoring with copies", copy_monitor, &survivor[1], NULL},
    {"monitoring without copies", zero_copy_monitor, &survivor[1], NULL},
    {"sharing a binding", shared_binding, NULL, NULL},
    {"persistent ports", persistent_port, &survivor[0], persistent_port_can_be_removed},
    {"all alone", all_alone, NULL, lone_directory_is_emptied_by_the_next},
};

static pid_t start(const struct scenario *scenario)
{
    pid_t pid;
    int status;

    atomic_store(&shared->handed_over, 0);
    send_packets(&master, 'm', 0, 4);
    pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        signal(SIGALRM, SIG_DFL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(SKIP);
        raise(SIGSTOP);
        scenario->act();
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIP) {
        printf("children cannot be traced here; to run it: allow ptrace (container: --cap-add SYS_PTRACE)\n");
        exit(SKIP);
    }
    CHECK(WIFSTOPPED(status));
    return pid;
}

/* Lets a child go on for some stops; true if it has ended, and *stops is how many there were. */
static bool walk(pid_t pid, enum __ptrace_request step, uint64_t limit, uint64_t *stops)
{
    int status;

    for (*stops = 0; *stops < limit; ++*stops) {
        CHECK_EQ(ptrace(step, pid, NULL, NULL), 0);
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        if (!WIFSTOPPED(status)) {
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            return true;
        }
    }
    return false;
}

/* Lets a child run freely for a while; it may have ended by then. */
static void run(pid_t pid, uint64_t ns)
{
    uint64_t start = now_ns();

    CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
    while (now_ns() - start < ns)
        ;
}

/* One life, and what comes after it. Returns the system calls' stops, if it was let live to its end. */
static uint64_t live(const struct scenario *scenario, const struct moment *moment)
{
    unsigned files = files_in(own_dir);
    uint64_t calls, instructions;
    bool ended = false;
    pid_t pid;

    alarm(PATIENCE);
    killed_at = *moment;
    pid = start(scenario);
    if (moment->ns)
        run(pid, moment->ns);
    else
        ended = walk(pid, PTRACE_SYSCALL, moment->calls, &calls) ||
                walk(pid, PTRACE_SINGLESTEP, moment->instructions, &instructions);
    if (!ended) {
        kill(pid, SIGKILL);
        CHECK_EQ(waitpid(pid, NULL, 0), pid);
    }
    if (scenario->witness)
        CHECK(take(scenario->witness, 'c', 0) >= atomic_load(&shared->handed_over));
    name_is_free("vale0:c");
    survivors_talk();
    pipe_goes_on();
    if (scenario->after)
        scenario->after();
    CHECK_EQ(ports_listed(), 2);
    CHECK_EQ(files_in(own_dir), files);
    alarm(0);
    return moment->ns ? 0 : calls;
}

static void play(const struct scenario *scenario, uint64_t kills)
{
    unsigned buffers[] = {free_buffers("vale0:s0"), free_buffers("x{1")};
    uint64_t begun = now_ns(), calls, stride, duration;

    scenario_name = scenario->name;
    calls = live(scenario, &(struct moment){.calls = ~(uint64_t)0});
    duration = now_ns() - begun; /* longer than without the stops */
    stride = calls / kills + 1;  /* 1: at every one */
    for (uint64_t stop = pick(stride); stop < calls; stop += stride)
        live(scenario, &(struct moment){.calls = stop});
    for (uint64_t i = 0; i < kills; i++) /* each number of digits is as likely as the others */
        live(scenario, &(struct moment){.calls = pick(calls), .instructions = pick((uint64_t)1 << pick(14)) + 1});
    for (uint64_t i = 0; i < kills; i++)
        live(scenario, &(struct moment){.ns = pick(duration) + 1});
    CHECK_EQ(free_buffers("vale0:s0"), buffers[0]);
    CHECK_EQ(free_buffers("x{1"), buffers[1]);
}

int main(void)
{
    const char *kills = getenv("NMPCAP_DEATH_KILLS");

    chance_begin();
    atexit(say_where);
    signal(SIGALRM, on_alarm);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    snprintf(own_dir, sizeof(own_dir), "%s", getenv("NMPCAP_RUNTIME_DIR"));
    snprintf(lone_dir, sizeof(lone_dir), "%s.lone", own_dir);
    client_open(&survivor[0], "vale0:s0", SLOTS);
    client_open(&survivor[1], "vale0:s1", SLOTS);
    client_open(&master, "x{1", SLOTS);
    for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        play(&scenarios[i], kills ? strtoull(kills, NULL, 10) : 40);
    client_close(&master);
    client_close(&survivor[1]);
    client_close(&survivor[0]);
    CHECK_EQ(rmdir(lone_dir), 0);
    finished = true;
    return 0;
}
