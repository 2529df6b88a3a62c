/*
 * A vandal: a process that writes random words, at random times, into memory that it shares with others.
 *
 *   usernet_vandal [SCENE [MILLISECONDS [SEED [TARGET]]]]     all scenes, a second each, without arguments
 *
 * TARGET, as in struct scene, is written at in place of the scene's own: all peers then share it, and may fail.
 *
 * Beside it are honest peers, processes of their own, that send, receive, wait and open anew without a pause. What
 * must hold: none of them ends by a signal; no call lasts longer than its deadline and PATIENCE_MS; a pair of
 * peers that does not share the vandal's memory gets exactly what its partner sent, unaltered and in order. Those
 * that do share it may get errors and garbage. At the end the vandal is killed, and what it has made of its region is
 * for the others to clear away.
 *
 * core: message.c device/choose.c device/kernel.c usernet interfaces afpacket netmap slab.c
 * modes: plain asan
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#include "abi.h"
#include "device/choose.h"
#include "netmap/desc.h"
#include "netmap/mapping.h"
#include "source.h"

#define PEERS_MAX 8
#define PATIENCE_MS 2000
#define WAIT_MS 20
#define LONGEST 5000u
#define HEADER 20u /* addresses, type, number, length */
#define FILES_MAX 8
#define RINGS_MAX 32

/* ---- scenes ------------------------------------------------------------------------ */

struct peer {
    const char *port;
    int partner;   /* the peer whose packets are checked, one by one; -1: anything may come */
    bool shares;   /* memory with the vandal: its calls may fail */
};

struct scene {
    const char *name;
    const char *vandal;  /* its port; NULL: none, it has only the target mapped */
    bool syncs;          /* the vandal's port sends and receives what it has made there */
    const char *target;  /* files of the runtime directory by prefix; or the region of a peer: "@0"; "@": its own */
    struct peer peers[PEERS_MAX];
};

static const struct scene scenes[] = {
    {"silent port on a switch", "vale0:v", false, "@",
     {{"vale0:a", 1, false}, {"vale0:b", 0, false}, {"vale0:a/rt", -1, false}}},
    {"port on a switch", "vale0:v", true, "@",
     {{"vale0:a", -1, false}, {"vale0:b", -1, false}, {"vale1:c", 3, false}, {"vale1:d", 2, false},
      {"netmap:p{1", 5, false}, {"netmap:p}1", 4, false}}},
    {"mate on a pipe", NULL, false, "@0",
     {{"netmap:x{1", -1, true}, {"netmap:x}1", -1, true}, {"vale0:a", 3, false}, {"vale0:b", 2, false}}},
    {"monitored port", NULL, false, "@0",
     {{"vale1:m", -1, true}, {"vale1:n", -1, false}, {"vale1:m/rt", -1, true}, {"vale1:m/z", -1, true},
      {"vale0:a", 5, false}, {"vale0:b", 4, false}}},
};

/* ---- what the processes share among themselves -------------------------------------- */

struct seat {
    _Atomic int64_t since;       /* nanoseconds: when the call under way began; 0: none is */
    _Atomic uint32_t deadline;   /* milliseconds that it was given */
    char call[24];
    _Atomic uint32_t region;     /* memory id, once the port is open */
    _Atomic uint32_t rings;
    uint64_t ring[RINGS_MAX];    /* offsets in the region */
    _Atomic uint64_t sent, got, failed, opened;
};

static struct ledger {
    _Atomic bool stop;
    _Atomic bool on;             /* all ports are open: the vandal may begin */
    _Atomic uint64_t words;
    struct seat seat[PEERS_MAX + 1];
} *ledger;

static uint64_t random_state;

static uint32_t pick(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * below >> 32);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pause_us(uint32_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000l}, NULL);
}

static void enter(struct seat *seat, const char *call, uint32_t deadline_ms)
{
    snprintf(seat->call, sizeof(seat->call), "%s", call);
    seat->deadline = deadline_ms;
    seat->since = now_ns();
}

/* Evaluates a call that the watch is to keep an eye on. */
#define WATCHED(seat, deadline_ms, call)     \
    ({                                       \
        enter(seat, #call, deadline_ms);     \
        __auto_type result_ = (call);        \
        (seat)->since = 0;                   \
        result_;                             \
    })

/* ---- ports ------------------------------------------------------------------------- */

static struct nm_desc *open_port(struct seat *seat, const char *name, bool must)
{
    struct nmreq_register slots = {.nr_tx_slots = 64, .nr_rx_slots = 64};
    struct nm_open_args args = {.name = name, .which = NM_NETMAP_USER, .req = &slots, .timestamps = pick(2) == 0};
    struct nm_desc *desc = NULL;
    struct nm_desc_info info;
    struct nm_desc_ring ring;
    char msg[NM_MSG_SIZE];
    uint32_t n = 0;

    if (WATCHED(seat, 0, nm_desc_open(&args, &desc, msg))) {
        if (must)
            fprintf(stderr, "%s\n", msg);
        CHECK(!must);
        return NULL;
    }
    nm_desc_info(desc, &info);
    for (int tx = 0; tx < 2; tx++)
        for (uint32_t i = 0; i < (tx ? info.tx_rings : info.rx_rings) && n < RINGS_MAX; i++) {
            nm_desc_ring(desc, tx, i, &ring);
            seat->ring[n++] = (uint64_t)((const uint8_t *)ring.ring - (const uint8_t *)nm_mapping_mem(info.mapping));
        }
    seat->rings = n;
    seat->region = info.reg->nr_mem_id;
    seat->opened++;
    return desc;
}

/* ---- packets ----------------------------------------------------------------------- */

static void address(uint8_t *to, int peer)
{
    memcpy(to, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)peer}, 6);
}

static void make(uint8_t *packet, int from, int to, uint32_t number, uint16_t len)
{
    uint64_t word = ((uint64_t)number << 8 | (uint64_t)from) * 0x9e3779b97f4a7c15u + len;

    for (uint32_t i = 0; i < len; i++, word = word * 6364136223846793005u + 1442695040888963407u)
        packet[i] = (uint8_t)(word >> 56);
    if (number % 8)
        address(packet, to);
    else
        memset(packet, 0xff, 6);
    address(packet + 6, from);
    memcpy(packet + 12, "\x88\xb5", 2);
    memcpy(packet + 14, &number, 4);
    memcpy(packet + 18, &len, 2);
}

/* What came is what a or b sent, and later than all before it. */
static void check_packet(const uint8_t *data, uint32_t len, int a, int b, uint32_t last[PEERS_MAX])
{
    uint8_t expected[LONGEST + HEADER];
    uint32_t number;
    uint16_t said;
    int from;

    CHECK(len >= HEADER && !memcmp(data + 12, "\x88\xb5", 2));
    from = data[11];
    CHECK(from == a || from == b);
    memcpy(&number, data + 14, 4);
    memcpy(&said, data + 18, 2);
    CHECK(said == len && number > last[from]);
    make(expected, from, from == a ? b : a, number, said);
    CHECK(!memcmp(expected, data, len));
    last[from] = number;
}

/* ---- an honest peer ---------------------------------------------------------------- */

static int send_some(struct seat *seat, struct nm_desc *desc, int from, int to, uint32_t *number)
{
    uint8_t packet[LONGEST + HEADER];
    int error = 0;

    for (uint32_t n = pick(24); n && !error; n--) {
        uint16_t len = (uint16_t)(HEADER + pick(pick(4) ? 100 : LONGEST));

        make(packet, from, to, ++*number, len);
        error = WATCHED(seat, 0, nm_desc_inject(desc, packet, len));
        seat->sent += !error;
    }
    if (!error || error == EAGAIN)
        error = WATCHED(seat, 0, nm_desc_txsync(desc));
    return error;
}

static int receive_some(struct seat *seat, struct nm_desc *desc, int a, int b, bool checked, uint32_t *last)
{
    struct nm_view views[32];
    struct nm_batch batch = {.views = views, .capacity = 1 + pick(32)};
    struct nm_pkthdr hdr;
    uint8_t sum = 0;
    int error;

    if (pick(2)) {
        error = WATCHED(seat, 0, nm_desc_fill(desc, &batch));
        for (uint32_t i = 0; i < batch.count && !error; i++) {
            if (checked)
                check_packet(views[i].data, views[i].len, a, b, last);
            for (uint32_t k = 0; k < views[i].caplen; k++)
                sum ^= views[i].data[k];
        }
        seat->got += batch.count;
        return error;
    }
    error = WATCHED(seat, 0, nm_desc_rxsync(desc));
    for (uint32_t n = pick(64); n && !error && WATCHED(seat, 0, nm_desc_next(desc, &hdr)); n--) {
        if (checked)
            check_packet(hdr.buf, hdr.len, a, b, last);
        for (uint32_t k = 0; k < hdr.caplen; k++)
            sum ^= hdr.buf[k];
        seat->got++;
    }
    (void)*(volatile uint8_t *)&sum; /* every byte has been read */
    return error;
}

/* Calls that others make seldom. */
static int something_else(struct seat *seat, struct nm_desc *desc)
{
    uint32_t buf_idx, moved;
    struct nm_pkthdr hdr;
    short revents;

    switch (pick(6)) {
    case 0: return WATCHED(seat, WAIT_MS, nm_desc_wait(desc, POLLIN, WAIT_MS, &revents));
    case 1: return WATCHED(seat, WAIT_MS, nm_desc_wait(desc, POLLIN | POLLOUT, WAIT_MS, &revents));
    case 2: return WATCHED(seat, 0, nm_desc_forward(desc, 0, desc, 0, 8, &moved));
    case 3: (void)WATCHED(seat, 0, nm_desc_extra_pop(desc, &buf_idx)); return 0;
    case 4: (void)WATCHED(seat, 0, nm_desc_extra_list(desc, NULL, 0)); return 0;
    default:
        for (uint32_t n = pick(8); n && WATCHED(seat, 0, nm_desc_nextpkt(desc, &hdr)); n--)
            ;
        (void)WATCHED(seat, 0, nm_desc_pending(desc));
        return 0;
    }
}

static void honest(const struct scene *scene, int self)
{
    const struct peer *peer = &scene->peers[self];
    struct seat *seat = &ledger->seat[self];
    bool checked = peer->partner >= 0, watches = strchr(peer->port, '/') != NULL;
    int partner = checked ? peer->partner : (self + 1) % 2, a = watches ? 0 : self, b = watches ? 1 : partner;
    uint32_t last[PEERS_MAX] = {0}, number = 0;
    struct nm_desc *desc = open_port(seat, peer->port, true);
    int error = 0;

    while (!ledger->stop) {
        if (!desc) {
            pause_us(500);
            desc = open_port(seat, peer->port, !peer->shares);
            continue;
        }
        if (!watches)
            error = send_some(seat, desc, self, partner, &number);
        if (!error)
            error = receive_some(seat, desc, a, b, checked, last);
        if (!error && pick(8) == 0) {
            short revents;

            error = checked ? WATCHED(seat, WAIT_MS, nm_desc_wait(desc, POLLIN, WAIT_MS, &revents))
                            : something_else(seat, desc);
        }
        if (error && error != EINTR && error != EAGAIN) {
            if (!peer->shares)
                fprintf(stderr, "%s: %s\n", peer->port, nm_desc_msg(desc));
            CHECK(peer->shares);
            seat->failed++;
        }
        /* Its rings are made anew of what the vandal has left of the region. */
        if (peer->shares && pick(error ? 40 : 4000) == 0) {
            WATCHED(seat, 0, nm_desc_close(desc));
            desc = open_port(seat, peer->port, false);
        }
        error = 0;
        if (pick(4) == 0)
            pause_us(pick(300));
    }
    /* Who comes now finds the dead, and clears away what they have left. */
    if (self == 1) {
        struct nm_desc *late = open_port(seat, "vale0:late", false);

        if (late)
            WATCHED(seat, 0, nm_desc_close(late));
    }
    if (desc)
        WATCHED(seat, 0, nm_desc_close(desc));
    exit(0);
}

/* ---- the vandal -------------------------------------------------------------------- */

static struct {
    uint8_t *mem;
    size_t size;
} files[FILES_MAX];

static uint32_t file_count;

/* Maps the files of the runtime directory whose names begin so, in place of those it had. */
static void map_files(const char *prefix)
{
    const char *dir = getenv("NMPCAP_RUNTIME_DIR");
    DIR *stream = opendir(dir);
    struct dirent *entry;
    struct stat st;
    char path[4096];

    CHECK(stream);
    while (file_count) {
        file_count--;
        munmap(files[file_count].mem, files[file_count].size);
    }
    while ((entry = readdir(stream)) && file_count < FILES_MAX) {
        int fd;

        if (strncmp(entry->d_name, prefix, strlen(prefix)))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        files[file_count].size = (size_t)st.st_size;
        files[file_count].mem = mmap(NULL, files[file_count].size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        CHECK(files[file_count].mem != MAP_FAILED);
        file_count++;
        close(fd);
    }
    closedir(stream);
}

static uint64_t random_word(void)
{
    switch (pick(6)) {
    case 0: return 0;
    case 1: return ~(uint64_t)0;
    case 2: return pick(80);
    case 3: return pick(2) ? (uint64_t)0x2000000000u * pick(300) : pick(1 << 16); /* NS_MOREFRAG; lengths, buffers */
    case 4: return (uint64_t)1 << pick(64);
    default: return (uint64_t)pick(UINT32_MAX) << 32 | pick(UINT32_MAX);
    }
}

/* Mostly in the rings of whose memory it is, where they are in use; now and then anywhere in the files. */
static void scribble(const struct seat *victim)
{
    uint32_t file = pick(file_count), rings = victim ? victim->rings : 0, width = 1u << pick(4);
    uint64_t word = random_word(), at;

    if (rings && pick(8)) {
        uint64_t ring = victim->ring[pick(rings)];
        uint32_t head;

        memcpy(&head, files[file].mem + ring + offsetof(struct netmap_ring, head), sizeof(head));
        at = ring + (pick(4) ? sizeof(struct netmap_ring) + (head + pick(6)) % 64 * sizeof(struct netmap_slot) + pick(16)
                             : pick(64)); /* a slot that is being used; an index or a constant */
    } else if (pick(2))
        at = pick(1 << 16);
    else
        at = pick((uint32_t)(files[file].size / 8)) * (uint64_t)8;
    at -= at % width;
    if (at + width <= files[file].size)
        memcpy(files[file].mem + at, &word, width);
}

static void vandal(const struct scene *scene)
{
    struct seat *seat = &ledger->seat[PEERS_MAX], *victim = NULL;
    struct nm_desc *desc = scene->vandal ? open_port(seat, scene->vandal, true) : NULL;
    uint64_t opened = UINT64_MAX;
    char prefix[64];

    if (scene->target[0] == '@')
        victim = scene->target[1] ? &ledger->seat[atoi(scene->target + 1)] : seat;
    snprintf(prefix, sizeof(prefix), "%s", scene->target);
    while (!ledger->on)
        pause_us(100);
    for (;;) {
        if (victim && victim->opened != opened) { /* its region may be another by now */
            opened = victim->opened;
            snprintf(prefix, sizeof(prefix), "nmpcap-region-%u-", victim->region);
            map_files(prefix);
        } else if (!file_count) {
            map_files(prefix);
        }
        for (uint32_t n = file_count ? 1 + pick(2000) : 0; n; n--, ledger->words++)
            scribble(victim);
        if (desc && scene->syncs) {
            (void)nm_desc_txsync(desc);
            (void)nm_desc_rxsync(desc);
        }
        pause_us(pick(8) ? pick(20) : pick(2000));
    }
}

/* ---- watching ---------------------------------------------------------------------- */

static pid_t start(const struct scene *scene, int self)
{
    uint64_t seed = random_state + (uint64_t)(self + 1) * 0x9e3779b97f4a7c15u;
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid)
        return pid;
    random_state = seed | 1;
    if (self == PEERS_MAX)
        vandal(scene);
    else
        honest(scene, self);
    _exit(0);
}

/* False, and says why, if a peer has ended or hangs. */
static bool well(const struct scene *scene, int self, pid_t *pid, bool may_end)
{
    struct seat *seat = &ledger->seat[self];
    int64_t since = seat->since;
    int status;

    if (*pid && waitpid(*pid, &status, WNOHANG) == *pid) {
        *pid = 0;
        if (WIFSIGNALED(status))
            fprintf(stderr, "%s: %s ended by signal %d in %s\n", scene->name, scene->peers[self].port, WTERMSIG(status),
                    seat->call);
        else if (WEXITSTATUS(status) || !may_end)
            fprintf(stderr, "%s: %s ended with status %d\n", scene->name, scene->peers[self].port, WEXITSTATUS(status));
        else
            return true;
        return false;
    }
    if (*pid && since && now_ns() - since > (seat->deadline + PATIENCE_MS) * (int64_t)1000000) {
        fprintf(stderr, "%s: %s hangs in %s\n", scene->name, scene->peers[self].port, seat->call);
        return false;
    }
    return true;
}

/* pairs: the scene has some whose packets are checked. */
static bool play(const struct scene *scene, int64_t milliseconds, bool pairs)
{
    pid_t pid[PEERS_MAX + 1] = {0};
    int64_t end;
    uint64_t failed = 0, checked = 0, opened = 0;
    bool fine = true, left = true;

    memset(ledger, 0, sizeof(*ledger));
    for (int i = 0; i < PEERS_MAX && scene->peers[i].port; i++) {
        pid[i] = start(scene, i);
        for (int tries = 0; !ledger->seat[i].opened && tries < 20000; tries++)
            pause_us(500); /* one after the other: a monitor after what it watches */
    }
    pid[PEERS_MAX] = start(scene, PEERS_MAX);
    pause_us(20000); /* the switch learns who is where, before anybody else has seen a packet */
    ledger->on = true;
    end = now_ns() + milliseconds * 1000000;
    while (fine && left) {
        bool over = now_ns() > end;

        if (over && pid[PEERS_MAX]) {
            kill(pid[PEERS_MAX], SIGKILL);
            waitpid(pid[PEERS_MAX], NULL, 0);
            pid[PEERS_MAX] = 0;
            ledger->stop = true;
        }
        left = false;
        for (int i = 0; i < PEERS_MAX && fine; i++) {
            fine = well(scene, i, &pid[i], ledger->stop);
            left |= pid[i] != 0;
        }
        pause_us(5000);
    }
    for (int i = 0; i <= PEERS_MAX; i++)
        if (pid[i]) {
            kill(pid[i], SIGKILL);
            waitpid(pid[i], NULL, 0);
        }
    for (int i = 0; i < PEERS_MAX && scene->peers[i].port; i++) {
        failed += ledger->seat[i].failed;
        opened += ledger->seat[i].opened;
        checked += scene->peers[i].partner >= 0 ? ledger->seat[i].got : 0;
    }
    printf("%s: %llu words written, %llu packets checked, %llu calls failed, %llu ports opened\n", scene->name,
           (unsigned long long)ledger->words, (unsigned long long)checked, (unsigned long long)failed,
           (unsigned long long)opened);
    return fine && (checked || !pairs);
}

/* The scene with another target, which all of its peers share. */
static struct scene aimed_at(const struct scene *scene, const char *target)
{
    struct scene changed = *scene;

    changed.target = target;
    for (int i = 0; i < PEERS_MAX && changed.peers[i].port; i++) {
        changed.peers[i].partner = -1;
        changed.peers[i].shares = true;
    }
    return changed;
}

int main(int argc, char **argv)
{
    int64_t milliseconds = argc > 2 ? atoll(argv[2]) : 1000;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)now_ns();
    const char *target = argc > 4 ? argv[4] : NULL;
    bool fine = true, played = false;

    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ledger != MAP_FAILED && getenv("NMPCAP_RUNTIME_DIR"));
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        random_state = seed | 1;
        if (argc > 1 && strcmp(argv[1], "all") && strcmp(argv[1], scenes[i].name))
            continue;
        played = true;
        if (target) {
            struct scene scene = aimed_at(&scenes[i], target);

            fine &= play(&scene, milliseconds, false);
        } else {
            fine &= play(&scenes[i], milliseconds, true);
        }
    }
    CHECK(played);
    return fine ? 0 : 1;
}
