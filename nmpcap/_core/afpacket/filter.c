/* The kernel's filter: what it refuses takes no room in the ring and is counted nowhere. */
#include <linux/filter.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "afpacket/impl.h"

_Static_assert(sizeof(struct nm_insn) == sizeof(struct sock_filter) &&
                   offsetof(struct nm_insn, k) == offsetof(struct sock_filter, k) &&
                   offsetof(struct nm_insn, jt) == offsetof(struct sock_filter, jt),
               "programs are handed over as they are");

/* What a cut packet keeps in any case: enough for a VLAN tag to have its place. */
#define LEAST 16

static int attach(struct nm_packet *p, const void *insns, uint32_t n)
{
    struct sock_fprog program = {.len = (unsigned short)n, .filter = (struct sock_filter *)(uintptr_t)insns};

    if (n > UINT16_MAX)
        return -EINVAL;
    return setsockopt(p->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

int nm_packet_keep(struct nm_packet *p, uint32_t bytes)
{
    struct sock_filter keep = BPF_STMT(BPF_RET | BPF_K, bytes && bytes < LEAST ? LEAST : bytes);
    int error = attach(p, &keep, 1);

    return error ? nm_packet_fail(p, -error, "setting the snapshot length: %s", strerror(-error)) : 0;
}

int nm_packet_filter(struct nm_source *source, const struct nm_insn *insns, uint32_t n)
{
    struct nm_packet *p = nm_packet_self(source);
    int error, ignored = 0;

    /* One replaces the other between two packets: none is judged by neither. */
    if (n) {
        error = attach(p, insns, n);
    } else {
        error = nm_packet_keep(p, p->snaplen);
        /* The one thing that needs no memory; packets are then kept whole. */
        if (error && setsockopt(p->fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored)) == 0)
            error = 0;
    }
    return error ? nm_packet_fail(p, -error, "setting the kernel's filter: %s", strerror(-error)) : 0;
}

void nm_packet_metadata(struct nm_source *source, const struct nm_view *view, struct nm_metadata *metadata)
{
    struct nm_packet *p = nm_packet_self(source);
    const uint8_t *hatype = view->data + (view->linktype == NM_DLT_LINUX_SLL2 ? 8 : 2);

    nm_metadata_tell(metadata, NM_META_TYPE, (view->flags & NM_VIEW_TYPE) >> NM_VIEW_TYPE_SHIFT);
    if (view->ifindex < p->num_interfaces)
        nm_metadata_tell(metadata, NM_META_IFINDEX, (uint32_t)p->interfaces[view->ifindex].ifindex);
    nm_metadata_tell(metadata, NM_META_HATYPE, p->ifindex ? p->arphrd : (uint32_t)hatype[0] << 8 | hatype[1]);
}
