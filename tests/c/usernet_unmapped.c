/*
 * A receiver whose memory the sender cannot map, here for want of descriptors: what is forwarded to it counts as
 * dropped there, and arrives again when there are descriptors again.
 *
 * core: all
 */
#include <sys/resource.h>

#include "client.h"

#define FRAMES 5

static void limit(rlim_t descriptors)
{
    struct rlimit files;

    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = descriptors < files.rlim_max ? descriptors : files.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
}

static struct nmreq_port_counters counters_of(struct client *client, const char *name)
{
    struct nmreq_port_counters counters = {0};

    CHECK_EQ(client_request(client->device, NMPCAP_REQ_PORT_COUNTERS_GET, name, &counters, NULL), 0);
    return counters;
}

static void send_frames(struct client *client, uint8_t to)
{
    uint8_t frame[60] = {to, to, to, to, to, to, 2, 0, 0, 0, 0, 1};

    for (int i = 0; i < FRAMES; i++)
        CHECK(client_put(client, frame, sizeof(frame)));
    client_txsync(client);
}

/* backpressure: an option of the sender's. */
static void run(void *backpressure)
{
    struct client a, b;
    struct nmreq_port_counters counters;

    CHECK_EQ(client_try(&a, "vale0:a", 64, 0, backpressure), 0);
    client_open(&b, "vale0:b", 64);
    limit(3);
    send_frames(&a, 0xff);
    counters = counters_of(&a, "vale0:b");
    CHECK_EQ(counters.dropped, FRAMES);
    CHECK_EQ(counters.received, 0);
    CHECK_EQ(counters_of(&a, "vale0:a").flooded, FRAMES);
    limit(1000);
    send_frames(&a, 0xff);
    client_rxsync(&b);
    CHECK_EQ(client_space(b.rx), FRAMES);
    counters = counters_of(&a, "vale0:b");
    CHECK_EQ(counters.dropped, FRAMES);
    CHECK_EQ(counters.received, FRAMES);
    client_close(&a);
    client_close(&b);
}

int main(void)
{
    struct nmreq_option backpressure = {.nro_reqtype = NMPCAP_OPT_BACKPRESSURE};

    run(NULL);
    run(&backpressure);
    return 0;
}
