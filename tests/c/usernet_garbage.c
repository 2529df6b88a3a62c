/*
 * Garbage in the registry: words that no nmpcap would have written there, under the feet of programs that go on using
 * their ports, open others, ask and close. Calls may fail and packets be lost; no program may end by a signal, and no
 * call may take longer than its deadline and a little.
 *
 * Three kinds of trials, each in a process and a runtime directory of its own: one word with an extreme value; many
 * random words; and a thread that writes random words all the time. Without NMPCAP_GARBAGE=all, which tries every word
 * of every record in use with every value, it is a choice of a few seconds that NMPCAP_TEST_SEED repeats.
 *
 * core: message.c device usernet interfaces afpacket
 * modes: plain asan
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"
#include "client.h"
#include "usernet/impl.h"

#define SLOTS 16
#define CHOICE_NS UINT64_C(6000000000)
#define CALL_NS UINT64_C(4000000000)  /* a deadline of 0, two seconds, and a machine that has other things to do */
#define TRIAL_SECONDS 60

static const uint32_t extremes[] = {0, 1, 2, 17, 255, 4096, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
#define EXTREMES (sizeof(extremes) / sizeof(extremes[0]))

/* ---- where to write ------------------------------------------------------------------ */

/* The records that are in use, and a few behind them. */
static const struct range {
    size_t offset, size;
} ranges[] = {
    {0, offsetof(struct nmu_registry, krings_taken) + 8},
    {offsetof(struct nmu_registry, switches), 2 * sizeof(struct nmu_switch)},
    {offsetof(struct nmu_registry, regions), 7 * sizeof(struct nmu_region)},
    {offsetof(struct nmu_registry, descs), 9 * sizeof(struct nmu_desc)},
    {offsetof(struct nmu_registry, ports), 9 * sizeof(struct nmu_port)},
    {offsetof(struct nmu_registry, krings), 20 * sizeof(struct nmu_kring)},
};
#define RANGES (sizeof(ranges) / sizeof(ranges[0]))

static size_t words(void)
{
    size_t count = 0;

    for (size_t i = 0; i < RANGES; i++)
        count += ranges[i].size / sizeof(uint32_t);
    return count;
}

static size_t offset_of(size_t word)
{
    size_t i = 0;

    for (; word >= ranges[i].size / sizeof(uint32_t); i++)
        word -= ranges[i].size / sizeof(uint32_t);
    return ranges[i].offset + word * sizeof(uint32_t);
}

static void put(struct nmu_registry *reg, size_t word, uint32_t value)
{
    *(volatile uint32_t *)((uint8_t *)reg + offset_of(word)) = value;
}

static uint32_t random_value(void)
{
    return pick(2) ? extremes[pick(EXTREMES)] : pick(2) ? (uint32_t)pick(40) : (uint32_t)pick((uint64_t)1 << 32);
}

/* ---- an honest program --------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t flags;
} opened[] = {{"vale0:a", 0}, {"vale0:b", 0}, {"x{1", 0}, {"x}1", 0}, {"vale0:a", NR_MONITOR_RX | NR_MONITOR_TX},
              {"vale0:b", NR_ZCOPY_MON | NR_MONITOR_RX | NR_MONITOR_TX}};
#define CLIENTS (sizeof(opened) / sizeof(opened[0]))

static const char *doing = "opening";
static uint64_t call_began;

static void begin(const char *what)
{
    doing = what;
    call_began = now_ns();
}

static void end(void)
{
    if (now_ns() - call_began > CALL_NS) {
        fprintf(stderr, "%s took %.1f s\n", doing, (double)(now_ns() - call_began) / 1e9);
        _exit(1);
    }
}

/* A frame by the rules: what the ring is like is the program's own to check, as netmap/ring.c does. */
static void use(struct client *c)
{
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
    short revents;

    if (c->tx && c->tx->num_slots == SLOTS && c->tx->head < SLOTS && c->tx->tail < SLOTS && client_space(c->tx)) {
        uint64_t at = (uint64_t)c->tx->buf_ofs + (uint64_t)c->tx->slot[c->tx->head].buf_idx * c->tx->nr_buf_size +
                      (uint64_t)((uint8_t *)c->tx - (uint8_t *)c->mem);

        if (at < c->memsize - sizeof(frame))
            client_put(c, frame, sizeof(frame));
    }
    begin("txsync");
    (void)c->device->ops->txsync(c->device);
    end();
    begin("rxsync");
    (void)c->device->ops->rxsync(c->device);
    end();
    if (c->rx && c->rx->num_slots == SLOTS && c->rx->tail < SLOTS)
        c->rx->head = c->rx->cur = c->rx->tail;
    begin("poll");
    (void)c->device->ops->poll(c->device, POLLIN | POLLOUT, 0, &revents);
    end();
    begin("fileno");
    (void)c->device->ops->fileno(c->device);
    end();
}

static void ask(const char *name)
{
    struct nmreq_vale_list list = {0};
    struct nmreq_port_list ports = {0};
    struct nmreq_pools_info pools = {0};
    struct nmreq_port_counters counters;
    struct nm_device *device;
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    begin("list");
    for (int i = 0; i < 10 && client_request(device, NETMAP_REQ_VALE_LIST, "", &list, NULL) == 0; i++)
        list.nr_port_idx++;
    end();
    begin("port list");
    for (int i = 0; i < 10 && client_request(device, NMPCAP_REQ_PORT_LIST, "", &ports, NULL) == 0; i++)
        ports.index++;
    end();
    begin("counters");
    (void)client_request(device, NMPCAP_REQ_PORT_COUNTERS_GET, name, &counters, NULL);
    end();
    begin("pools");
    (void)client_request(device, NETMAP_REQ_POOLS_INFO_GET, name, &pools, NULL);
    end();
    begin("close");
    device->ops->close(device);
    end();
}

static void open_and_close(const char *name, uint64_t flags)
{
    struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC, .nr_tx_slots = SLOTS, .nr_rx_slots = SLOTS, .nr_flags = flags,
                                 .nr_extra_bufs = 3};
    struct nm_device *device;
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    begin("open");
    if (client_request(device, NETMAP_REQ_REGISTER, name, &reg, NULL) == 0) {
        end();
        begin("sync");
        (void)device->ops->txsync(device);
        (void)device->ops->rxsync(device);
    }
    end();
    begin("close");
    device->ops->close(device);
    end();
}

static void go_on(struct client *clients)
{
    for (size_t i = 0; i < CLIENTS; i++)
        use(&clients[i]);
    ask("vale0:a");
    open_and_close("vale0:new", 0);
    open_and_close("vale0:a", 0);
    open_and_close("x{2", 0);
    open_and_close("vale0:b", NR_MONITOR_RX | NR_MONITOR_TX);
    for (size_t i = 0; i < CLIENTS; i++)
        use(&clients[i]);
    for (size_t i = 0; i < CLIENTS; i++) {
        begin("close");
        clients[i].device->ops->close(clients[i].device);
        (void)clients[i].device->ops->munmap(clients[i].device, clients[i].mem, clients[i].memsize);
        end();
    }
}

/* ---- trials -------------------------------------------------------------------------- */

struct trial {
    size_t word; /* the one, or */
    uint32_t value;
    uint32_t random_words;
    bool all_the_time;
};

static _Atomic bool stop;

static void *scribble(void *reg)
{
    while (!atomic_load(&stop)) {
        put(reg, pick(words()), random_value());
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    }
    return NULL;
}

static void on_signal(int number)
{
    fprintf(stderr, "signal %d while in %s\n", number, doing);
    signal(number, SIG_DFL);
    raise(number);
}

static void suffer(const struct trial *trial)
{
    struct client clients[CLIENTS];
    struct nmu_registry *reg;
    pthread_t vandal;

    alarm(TRIAL_SECONDS);
    for (size_t i = 0; i < CLIENTS; i++)
        CHECK_EQ(client_try(&clients[i], opened[i].name, SLOTS, opened[i].flags, NULL), 0);
    for (size_t i = 0; i < CLIENTS; i++)
        use(&clients[i]);
    reg = NMU(clients[0].device)->reg;
    for (uint32_t i = 0; i < trial->random_words; i++)
        put(reg, pick(words()), random_value());
    if (!trial->random_words && !trial->all_the_time)
        put(reg, trial->word, trial->value);
    if (trial->all_the_time) {
        /* The mapping must outlive the clients. */
        CHECK_EQ(pthread_create(&vandal, NULL, scribble, reg), 0);
        for (size_t i = 0; i < CLIENTS; i++)
            use(&clients[i]);
        ask("vale0:a");
        open_and_close("vale0:new", 0);
        atomic_store(&stop, true);
        pthread_join(vandal, NULL);
    }
    go_on(clients);
}

static void empty(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    CHECK(directory);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
}

static unsigned failures;

static void try(const char *path, const struct trial *trial)
{
    int status;
    pid_t pid;

    random_state += 2; /* so that a child has another's luck */
    pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        signal(SIGSEGV, on_signal);
        signal(SIGBUS, on_signal);
        signal(SIGALRM, on_signal);
        suffer(trial);
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    empty(path);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    fprintf(stderr, "%s: status %d: word %zu (byte %zu) = 0x%x, %u random words%s\n",
            WIFSIGNALED(status) ? "ended by a signal" : "failed", status, trial->word, offset_of(trial->word), trial->value,
            trial->random_words, trial->all_the_time ? ", all the time" : "");
    failures++;
}

int main(void)
{
    const char *garbage = getenv("NMPCAP_GARBAGE");
    bool all = garbage && !strcmp(garbage, "all");
    uint64_t began = now_ns();
    unsigned trials = 0;
    char path[512];

    chance_begin();
    snprintf(path, sizeof(path), "%s/garbage", getenv("NMPCAP_RUNTIME_DIR"));
    CHECK_EQ(mkdir(path, 0700), 0);
    setenv("NMPCAP_RUNTIME_DIR", path, 1);
    for (size_t word = 0; all && word < words(); word++)
        for (size_t i = 0; i < EXTREMES; i++, trials++)
            try(path, &(struct trial){.word = word, .value = extremes[i]});
    for (int i = 0; now_ns() - began < CHOICE_NS || (all && i < 5000); i++, trials++)
        try(path, i % 8 == 0   ? &(struct trial){.all_the_time = true}
                  : i % 4 == 0 ? &(struct trial){.random_words = 1 + (uint32_t)pick(300)}
                               : &(struct trial){.word = pick(words()), .value = extremes[pick(EXTREMES)]});
    printf("%u trials, %u failed\n", trials, failures);
    CHECK_EQ(rmdir(path), 0);
    return failures != 0;
}
