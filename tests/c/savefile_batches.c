/*
 * Batches of a savefile that stay in its slabs, looked at by other threads while the reader goes on:
 * every byte is as it was written, however long a batch is kept, and every slab goes back or is freed.
 *
 * core: slab.c capture bpf savefile
 * modes: plain asan tsan
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"
#include "savefile/savefile.h"
#include "source.h"
#include "check.h"

enum { PACKETS = 20000, MOST = 1500, WORKERS = 3, KEPT = 8, BATCH = 1024 };

/* One batch on its way to a worker. */
struct batch {
    struct nm_slab *slab;
    const uint8_t *data;
    uint32_t count;
    int64_t columns[BATCH * NM_COLUMNS_SIZE / 8];
};

static struct batch *waiting[KEPT];
static unsigned waiting_count;
static bool finished;
static uint64_t seen;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static uint32_t size_of(uint32_t i)
{
    return i * 2654435761u % (MOST + 1);
}

/* A descriptor of a pcap file whose packet i is of size_of(i) bytes (uint8_t)i, at second i. */
static int make_file(void)
{
    static const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
    uint8_t data[MOST];
    FILE *file;
    int fd = memfd_create("savefile", MFD_CLOEXEC);

    CHECK(fd >= 0);
    file = fdopen(dup(fd), "wb");
    CHECK(file && fwrite(header, sizeof(header), 1, file) == 1);
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint32_t size = size_of(i), record[4] = {i, 0, size, size};

        memset(data, (uint8_t)i, size);
        CHECK(fwrite(record, sizeof(record), 1, file) == 1 && fwrite(data, 1, size, file) == size);
    }
    CHECK(fclose(file) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void look_at(struct batch *batch)
{
    const int64_t *ts_ns = batch->columns, *offset = ts_ns + batch->count;
    const uint32_t *caplen = (const uint32_t *)(offset + batch->count);

    for (uint32_t k = 0; k < batch->count; k++) {
        uint32_t i = (uint32_t)(ts_ns[k] / 1000000000);

        CHECK(caplen[k] == size_of(i));
        for (uint32_t byte = 0; byte < caplen[k]; byte++)
            CHECK(batch->data[offset[k] + byte] == (uint8_t)i);
    }
    __atomic_add_fetch(&seen, batch->count, __ATOMIC_RELAXED);
}

static void *work(void *unused)
{
    (void)unused;
    for (;;) {
        struct batch *batch;

        pthread_mutex_lock(&lock);
        while (!waiting_count && !finished)
            pthread_cond_wait(&changed, &lock);
        batch = waiting_count ? waiting[--waiting_count] : NULL;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        if (!batch)
            return NULL;
        look_at(batch);
        nm_slab_release(batch->slab);
        free(batch);
    }
}

static void hand_over(struct batch *batch)
{
    pthread_mutex_lock(&lock);
    while (waiting_count == KEPT)
        pthread_cond_wait(&changed, &lock);
    waiting[waiting_count++] = batch;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* The next packets, in their slab or copied; their number, which is 0 at the end. */
static uint32_t take(struct nm_capture *capture, unsigned *shared)
{
    struct nm_deadline deadline = {.timeout_ns = -1};
    struct batch *batch;
    uint64_t size;
    int n = nm_capture_refill(capture, &deadline);

    if (n == NM_CAPTURE_END)
        return 0;
    CHECK(n > 0 && n <= BATCH);
    batch = malloc(sizeof(*batch));
    CHECK(batch);
    batch->count = (uint32_t)n;
    batch->data = nm_capture_window(capture)->next->data;
    batch->slab = nm_capture_share(capture, batch->count, &size);
    if (batch->slab) {
        (*shared)++;
        nm_capture_take(capture, batch->count, NULL, batch->columns);
    } else {
        batch->slab = nm_slab_new(nm_capture_measure(capture, batch->count));
        CHECK(batch->slab);
        batch->data = batch->slab->bytes;
        nm_capture_take(capture, batch->count, batch->slab->bytes, batch->columns);
    }
    n = (int)batch->count;
    hand_over(batch);
    return (uint32_t)n;
}

int main(void)
{
    char msg[NM_MSG_SIZE];
    struct nm_source *source = nm_savefile_open(make_file(), 0, 1 << 27, msg);
    struct nm_capture *capture;
    pthread_t workers[WORKERS];
    unsigned shared = 0;
    uint32_t n, total = 0;

    CHECK(source && nm_savefile_begin(source) == 0);
    CHECK(nm_capture_new(source, "file", 65535, &capture) == 0);
    nm_capture_reserve(capture, BATCH);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&workers[i], NULL, work, NULL) == 0);
    CHECK(nm_capture_enter(capture) == 0);
    while ((n = take(capture, &shared)))
        total += n;
    nm_capture_leave(capture);
    nm_capture_free(capture); /* batches outlive it */
    pthread_mutex_lock(&lock);
    finished = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(workers[i], NULL) == 0);
    CHECK(total == PACKETS && seen == PACKETS);
    CHECK(shared > 10);
    return 0;
}
