/* Mappings of a device's region, counted: the last to let go gives the region back. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "netmap/mapping.h"

struct nm_mapping {
    struct nm_device *device; /* NULL: a file's mapping */
    void *mem;
    size_t length;
    atomic_uint refs;
};

static struct nm_mapping *make(struct nm_device *device)
{
    struct nm_mapping *m = calloc(1, sizeof(*m));

    if (m) {
        m->device = device;
        atomic_init(&m->refs, 1);
    }
    return m;
}

int nm_mapping_open(struct nm_device *device, size_t length, int64_t offset, struct nm_mapping **mapping)
{
    struct nm_mapping *m = make(device);
    int error;

    *mapping = NULL;
    if (!m)
        return ENOMEM;
    device->msg[0] = '\0';
    error = device->ops->mmap(device, length, offset, &m->mem);
    if (error) {
        free(m);
        return error;
    }
    m->length = length;
    *mapping = m;
    return 0;
}

int nm_mapping_file(const char *path, struct nm_mapping **mapping)
{
    struct nm_mapping *m = make(NULL);
    struct stat st;
    int error = 0, fd;

    *mapping = NULL;
    if (!m)
        return ENOMEM;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        error = errno;
    else if (st.st_size <= 0)
        error = EINVAL;
    else {
        m->length = (size_t)st.st_size;
        m->mem = mmap(NULL, m->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (m->mem == MAP_FAILED)
            error = errno;
    }
    if (fd >= 0)
        close(fd);
    if (error)
        free(m);
    else
        *mapping = m;
    return error;
}

void *nm_mapping_mem(struct nm_mapping *mapping)
{
    return mapping->mem;
}

size_t nm_mapping_length(struct nm_mapping *mapping)
{
    return mapping->length;
}

/* Page by page, for kernels and mappings without MADV_POPULATE_READ: write(2) finds out without a signal. */
static int touch(const uint8_t *mem, size_t length, size_t page)
{
    int fd[2], error = 0;
    uint8_t byte;

    if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
        return errno;
    for (size_t at = 0; at < length && !error; at += page)
        if (write(fd[1], mem + at, 1) != 1 || read(fd[0], &byte, 1) != 1)
            error = ENOMEM;
    close(fd[0]);
    close(fd[1]);
    return error;
}

int nm_mapping_back(struct nm_mapping *mapping, size_t offset, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), before = offset % page;
    uint8_t *first = (uint8_t *)mapping->mem + (offset - before);
    int error = EINVAL;

    if (offset > mapping->length || length > mapping->length - offset)
        return EINVAL;
    if (!length)
        return 0;
#ifdef MADV_POPULATE_READ
    error = madvise(first, before + length, MADV_POPULATE_READ) ? errno : 0;
#endif
    if (error == EINVAL || error == EINTR)
        error = touch(first, before + length, page);
    return error ? ENOMEM : 0;
}

struct nm_mapping *nm_mapping_ref(struct nm_mapping *mapping)
{
    atomic_fetch_add_explicit(&mapping->refs, 1, memory_order_relaxed);
    return mapping;
}

void nm_mapping_unref(void *mapping)
{
    struct nm_mapping *m = mapping;

    /* Release: what this user wrote comes before the unmapping; acquire: the last one sees that. */
    if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (m->device)
        m->device->ops->munmap(m->device, m->mem, m->length);
    else
        munmap(m->mem, m->length);
    free(m);
}
