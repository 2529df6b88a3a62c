/*
 * NIOCCTRL: a header with a name, a body by request type, a list of options, all at addresses of
 * the caller's; checked, copied and copied back as the module does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "usernet/copyin.h"
#include "usernet/request.h"

/* ---- sizes ------------------------------------------------------------------------- */

#define UNKNOWN ((size_t)-1)

static size_t body_size(uint16_t type)
{
    switch (type) {
    case NETMAP_REQ_REGISTER: return sizeof(struct nmreq_register);
    case NETMAP_REQ_PORT_INFO_GET: return sizeof(struct nmreq_port_info_get);
    case NETMAP_REQ_VALE_ATTACH: return sizeof(struct nmreq_vale_attach);
    case NETMAP_REQ_VALE_DETACH: return sizeof(struct nmreq_vale_detach);
    case NETMAP_REQ_VALE_LIST: return sizeof(struct nmreq_vale_list);
    case NETMAP_REQ_PORT_HDR_SET:
    case NETMAP_REQ_PORT_HDR_GET: return sizeof(struct nmreq_port_hdr);
    case NETMAP_REQ_VALE_NEWIF: return sizeof(struct nmreq_vale_newif);
    case NETMAP_REQ_VALE_POLLING_ENABLE:
    case NETMAP_REQ_VALE_POLLING_DISABLE: return sizeof(struct nmreq_vale_polling);
    case NETMAP_REQ_POOLS_INFO_GET: return sizeof(struct nmreq_pools_info);
    case NETMAP_REQ_SYNC_KLOOP_START: return sizeof(struct nmreq_sync_kloop_start);
    case NMPCAP_REQ_PORT_COUNTERS_GET: return sizeof(struct nmreq_port_counters);
    case NMPCAP_REQ_PORT_LIST: return sizeof(struct nmreq_port_list);
    case NMPCAP_REQ_PARAMETER_GET:
    case NMPCAP_REQ_PARAMETER_SET: return sizeof(struct nmreq_parameter);
    case NETMAP_REQ_VALE_DELIF:
    case NETMAP_REQ_SYNC_KLOOP_STOP:
    case NETMAP_REQ_CSB_ENABLE: return 0;
    default: return UNKNOWN;
    }
}

static size_t option_size(const struct nmreq_option *option)
{
    switch (option->nro_reqtype) {
    case NETMAP_REQ_OPT_EXTMEM: return sizeof(struct nmreq_opt_extmem);
    case NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS:
        return option->nro_size > sizeof(*option) ? (size_t)option->nro_size : sizeof(*option);
    case NETMAP_REQ_OPT_CSB: return sizeof(struct nmreq_opt_csb);
    case NETMAP_REQ_OPT_SYNC_KLOOP_MODE: return sizeof(struct nmreq_opt_sync_kloop_mode);
    case NETMAP_REQ_OPT_OFFSETS: return sizeof(struct nmreq_opt_offsets);
    default: return sizeof(*option);
    }
}

/* ---- options ----------------------------------------------------------------------- */

/* The module copies body and options into one buffer, each option with a pointer back to where it came from. */
#define POINTER 8
#define ROOM (NETMAP_REQ_MAXSIZE + NETMAP_REQ_OPT_MAX * POINTER)

struct nmu_option *nmu_option_find(struct nmu_request *request, uint32_t type)
{
    for (uint32_t i = 0; i < request->option_count; i++)
        if (request->options[i].u.head.nro_reqtype == type)
            return &request->options[i];
    return NULL;
}

static bool option_known(uint32_t type)
{
    return (type && type < NETMAP_REQ_OPT_MAX) || type == NMPCAP_OPT_BACKPRESSURE || type == NMPCAP_OPT_TIMESTAMPS;
}

/* Type 0 is none; a known type comes at most once. Both statuses say so. */
static int check_option(struct nmu_device *dev, struct nmu_request *request, struct nmu_option *option)
{
    uint32_t type = option->u.head.nro_reqtype;
    struct nmu_option *same;

    option->u.head.nro_status = EOPNOTSUPP;
    if (!type) {
        option->u.head.nro_status = EINVAL;
        return nmu_fail(dev, EINVAL, "an option of type 0");
    }
    same = option_known(type) ? nmu_option_find(request, type) : NULL;
    if (!same)
        return 0;
    same->u.head.nro_status = option->u.head.nro_status = EINVAL;
    return nmu_fail(dev, EINVAL, "option %u is given twice", type);
}

/* Reads the list. *checked becomes true once its statuses are to be written back. */
static int read_options(struct nmu_device *dev, struct nmu_request *request, size_t used, bool *checked)
{
    size_t most = ROOM / (sizeof(struct nmreq_option) + POINTER) + 1;
    uint64_t address = request->header.nr_options;

    *checked = false;
    if (!address)
        return 0;
    request->options = calloc(most, sizeof(*request->options));
    if (!request->options)
        return ENOMEM;
    while (address) {
        struct nmu_option *option = &request->options[request->option_count];
        size_t size;
        int error;

        if (nmu_copyin(&option->u.head, address, sizeof(option->u.head)))
            return nmu_fail(dev, EFAULT, "option %u of the request is at an address that cannot be read",
                            request->option_count);
        size = option_size(&option->u.head);
        used += size < ROOM ? size + POINTER : ROOM + 1;
        if (used > ROOM)
            return nmu_fail(dev, EMSGSIZE, "the request's body and options, with %d bytes more for each, take more than "
                            "%d bytes, or go round in a circle", POINTER, ROOM);
        if (size > sizeof(option->u))
            size = sizeof(option->u.head); /* eventfds: nothing here reads them */
        if (nmu_copyin(&option->u, address, size))
            return nmu_fail(dev, EFAULT, "option %u of the request is at an address that cannot be read",
                            request->option_count);
        option->address = address;
        error = check_option(dev, request, option);
        request->option_count++;
        *checked = true;
        if (error)
            return error;
        address = option->u.head.nro_next;
    }
    return 0;
}

static void write_statuses(const struct nmu_request *request)
{
    for (uint32_t i = 0; i < request->option_count; i++) {
        const struct nmu_option *option = &request->options[i];

        nmu_copyout(option->address + offsetof(struct nmreq_option, nro_status), &option->u.head.nro_status,
                    sizeof(option->u.head.nro_status));
    }
}

/* ---- one request ------------------------------------------------------------------- */

static int check_header(struct nmu_device *dev, const struct nmreq_header *header, size_t *size)
{
    *size = body_size(header->nr_reqtype);
    if (header->nr_version < NETMAP_MIN_API || header->nr_version > NETMAP_MAX_API)
        return nmu_fail(dev, EINVAL, "request for API version %u; this is %u", header->nr_version, NETMAP_API);
    if (header->nr_reserved)
        return nmu_fail(dev, EINVAL, "nr_reserved of the request is not 0");
    if (*size == UNKNOWN)
        return nmu_fail(dev, EINVAL, "request of unknown type %u", header->nr_reqtype);
    if (!*size != !header->nr_body)
        return nmu_fail(dev, EINVAL, "request of type %u %s", header->nr_reqtype,
                        *size ? "needs a body" : "has no body");
    return 0;
}

int nmu_request_read(struct nmu_device *dev, const struct nmreq_header *header, struct nmu_request *request)
{
    int error;

    *request = (struct nmu_request){.header = *header};
    error = check_header(dev, header, &request->size);
    if (error)
        return error;
    request->header.nr_name[sizeof(request->header.nr_name) - 1] = '\0';
    if (request->size && nmu_copyin(&request->body, header->nr_body, request->size))
        return nmu_fail(dev, EFAULT, "the request's body is at an address that cannot be read");
    return read_options(dev, request, request->size, &request->checked);
}

int nmu_request_answer(struct nmu_request *request, struct nmreq_header *header, int error)
{
    if (!error) {
        memcpy(header->nr_name, request->header.nr_name, sizeof(header->nr_name));
        if (request->size && nmu_copyout(header->nr_body, &request->body, request->size))
            error = EFAULT;
    }
    if (request->checked && error != EMSGSIZE && error != EFAULT)
        write_statuses(request);
    else if (request->checked && nmu_option_find(request, NETMAP_REQ_OPT_CSB))
        write_statuses(request); /* EFAULT is the option's own there */
    free(request->options);
    return error;
}
