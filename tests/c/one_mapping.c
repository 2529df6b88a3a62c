/*
 * One mapping a file, for ThreadSanitizer. Each device maps the shared files for itself, as
 * processes do, so one byte of shared memory has several addresses, and a race between two
 * threads goes unseen: TSan compares addresses. Linked in place of mmap and munmap (ld's --wrap),
 * this hands every thread the same address for the same byte, wherever it would have liked to have it.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define FILES 1024

void *__real_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t length);
void *__wrap_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t length);

static struct {
    dev_t dev;
    ino_t ino;
    uint8_t *base;
    size_t size;
    unsigned uses;
} files[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *__wrap_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
    void *result = MAP_FAILED;
    struct stat st;
    int place = -1;

    if (fd < 0 || !(flags & MAP_SHARED) || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return __real_mmap(address, length, prot, flags, fd, offset);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < FILES; i++) {
        if (files[i].uses && files[i].dev == st.st_dev && files[i].ino == st.st_ino) {
            place = i;
            break;
        }
        if (!files[i].uses && place < 0)
            place = i;
    }
    if (place < 0)
        abort();
    if (!files[place].uses) {
        files[place].base = __real_mmap(NULL, (size_t)st.st_size, prot, flags & ~MAP_FIXED, fd, 0);
        files[place].size = (size_t)st.st_size;
        files[place].dev = st.st_dev;
        files[place].ino = st.st_ino;
    }
    if (files[place].base != MAP_FAILED) {
        files[place].uses++;
        result = files[place].base + offset;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int __wrap_munmap(void *address, size_t length)
{
    int status = -1, place = -1;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < FILES && place < 0; i++)
        if (files[i].uses && (uint8_t *)address >= files[i].base &&
            (uint8_t *)address < files[i].base + files[i].size)
            place = i;
    if (place < 0)
        status = __real_munmap(address, length);
    else
        status = --files[place].uses ? 0 : __real_munmap(files[place].base, files[place].size);
    pthread_mutex_unlock(&lock);
    return status;
}
