/* Port names of both of netmap's parsers, up to the options (portoptions.c). */
#include "netmap/portname.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "abi.h"

#define RING_LIMIT 4095 /* netmap's: the legacy request has 12 bits, and keeps the last value */

const char *nm_portname_reason(enum nm_portname_fault fault)
{
    switch (fault) {
    case NM_PORTNAME_OK: return "no fault";
    case NM_PORTNAME_FOREIGN: return "not a netmap name: those begin with 'netmap:' or 'vale'";
    case NM_PORTNAME_NO_COLON: return "a ':' must follow the switch: 'vale0:port'";
    case NM_PORTNAME_BAD_SWITCH: return "a switch is named by letters, digits and '_'";
    case NM_PORTNAME_BAD_PORT: return "a port name is missing or has a character it may not have";
    case NM_PORTNAME_TOO_LONG: return "the name is too long (legacy: 15 characters, else 63)";
    case NM_PORTNAME_BAD_PIPE: return "a pipe end is one '{' or '}' after a port, then letters, digits or '_'";
    case NM_PORTNAME_UNKNOWN_MODIFIER: return "expected '-', '*', '^', '/' or '@' here";
    case NM_PORTNAME_UNEXPECTED: return "unexpected character";
    case NM_PORTNAME_BAD_RING: return "a ring or pipe number from 0 to 4094 must stand here";
    case NM_PORTNAME_BAD_FLAG: return "unknown flag letter: there are x, z, t, r, R and T";
    case NM_PORTNAME_TWO_REGIONS: return "two memory regions are given";
    case NM_PORTNAME_BAD_REGION: return "a memory region is a number from 1 to 65535";
    case NM_PORTNAME_ENDS_EARLY: return "the name ends too early";
    case NM_PORTNAME_BAD_OPTION: return "unknown option: there are share, conf, extmem and offset";
    case NM_PORTNAME_BAD_KEY: return "the option has no such key";
    case NM_PORTNAME_KEY_TWICE: return "the key is given twice";
    case NM_PORTNAME_BAD_VALUE: return "the value is missing or out of range";
    case NM_PORTNAME_MISSING_KEY: return "the option lacks its main key";
    }
    return "unknown fault";
}

static int fault(struct nm_portname_error *error, enum nm_portname_fault what, size_t position)
{
    error->fault = what;
    error->position = position;
    return EINVAL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_id(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool has_prefix(const char *spec, const char *prefix)
{
    return strncmp(spec, prefix, strlen(prefix)) == 0;
}

/* A decimal number below limit at *p; false leaves *p alone. */
static bool number(const char *spec, size_t *p, unsigned long limit, unsigned long *value)
{
    size_t i = *p;
    unsigned long n = 0;

    if (!is_digit(spec[i]))
        return false;
    for (; is_digit(spec[i]); i++) {
        n = n * 10 + (unsigned long)(spec[i] - '0');
        if (n >= limit)
            return false;
    }
    *p = i;
    *value = n;
    return true;
}

static uint32_t flag_of(char letter)
{
    switch (letter) {
    case 'x': return NR_EXCLUSIVE;
    case 'z': return NR_ZCOPY_MON;
    case 't': return NR_MONITOR_TX;
    case 'r': return NR_MONITOR_RX;
    case 'R': return NR_RX_RINGS_ONLY;
    case 'T': return NR_TX_RINGS_ONLY;
    default: return 0;
    }
}

/* The part both grammars share: { "/" letters | "@" region }. */
struct suffix {
    uint32_t flags;
    uint16_t mem_id;
};

static int suffixes(const char *spec, size_t *p, bool legacy, struct suffix *s, struct nm_portname_error *error)
{
    size_t i = *p;

    while (spec[i] == '/' || spec[i] == '@') {
        size_t start = i++;
        unsigned long id;

        if (spec[i] == '\0')
            return fault(error, NM_PORTNAME_ENDS_EARLY, i);
        if (spec[start] == '/') {
            if (!flag_of(spec[i]))
                return fault(error, NM_PORTNAME_BAD_FLAG, i);
            while (flag_of(spec[i]))
                s->flags |= flag_of(spec[i++]);
            if (spec[i] != '\0' && spec[i] != '/' && spec[i] != '@')
                return fault(error, NM_PORTNAME_BAD_FLAG, i);
            continue;
        }
        if (!is_digit(spec[i]) && !legacy) {
            i = start; /* an option: not ours */
            break;
        }
        if (!number(spec, &i, 65536, &id) || id == 0)
            return fault(error, NM_PORTNAME_BAD_REGION, start + 1);
        if (s->mem_id && (legacy || s->mem_id != id))
            return fault(error, NM_PORTNAME_TWO_REGIONS, start + 1);
        s->mem_id = (uint16_t)id;
    }
    *p = i;
    return 0;
}

/* "vale" switch ":"; leaves *p behind the colon. */
static int switch_name(const char *spec, size_t *p, struct nm_portname_error *error)
{
    size_t i = *p + strlen(NM_BDG_NAME);

    while (is_id(spec[i]))
        i++;
    if (spec[i] != ':') {
        bool colon_follows = strchr(spec + i, ':') != NULL;

        return fault(error, colon_follows ? NM_PORTNAME_BAD_SWITCH : NM_PORTNAME_NO_COLON, i);
    }
    *p = i + 1;
    return 0;
}

/* What both grammars begin with. *name: where the text that goes into the request begins; *p: where
 * the port's own name does. */
static int subsystem(const char *spec, size_t *p, size_t *name, struct nm_portname_error *error)
{
    *name = *p;
    if (has_prefix(spec + *p, "netmap:")) {
        *p += strlen("netmap:");
        *name = *p;
        return 0;
    }
    if (!has_prefix(spec + *p, NM_BDG_NAME))
        return fault(error, NM_PORTNAME_FOREIGN, *p);
    return switch_name(spec, p, error);
}

/* The id of a pipe end whose brace is at i. */
static int pipe_id(const char *spec, size_t i, size_t end, struct nm_portname_error *error)
{
    size_t id = i + 1;

    while (id < end && is_id(spec[id]))
        id++;
    if (id != end)
        return fault(error, NM_PORTNAME_BAD_PIPE, id);
    if (id == i + 1)
        return fault(error, spec[id] ? NM_PORTNAME_BAD_PIPE : NM_PORTNAME_ENDS_EARLY, id);
    return 0;
}

int nm_portname_header(const char *spec, size_t *position, struct nmreq_header *header,
                       struct nm_portname_error *error)
{
    size_t start = *position, name, end, brace;
    int failed = subsystem(spec, &start, &name, error);

    if (failed)
        return failed;
    end = start + strcspn(spec + start, "-*^/@");
    brace = start + strcspn(spec + start, "{}");
    if (end == start || brace == start)
        return fault(error, NM_PORTNAME_BAD_PORT, start);
    if (brace < end) {
        failed = pipe_id(spec, brace, end, error);
        if (failed)
            return failed;
    }
    if (end - name >= sizeof(header->nr_name))
        return fault(error, NM_PORTNAME_TOO_LONG, name + sizeof(header->nr_name) - 1);
    memset(header->nr_name, 0, sizeof(header->nr_name));
    memcpy(header->nr_name, spec + name, end - name);
    *position = end;
    return 0;
}

int nm_portname_register(const char *spec, size_t *position, struct nmreq_register *reg,
                         struct nm_portname_error *error)
{
    size_t i = *position;
    struct suffix suffix = {0};
    uint32_t mode = NR_REG_ALL_NIC;
    unsigned long ring = reg->nr_ringid;
    int failed;

    switch (spec[i]) {
    case '\0':
    case '/':
    case '@':
        break;
    case '*':
        mode = NR_REG_NIC_SW;
        i++;
        break;
    case '^':
        mode = NR_REG_SW;
        i++;
        if (is_digit(spec[i])) {
            mode = NR_REG_ONE_SW;
            if (!number(spec, &i, RING_LIMIT, &ring))
                return fault(error, NM_PORTNAME_BAD_RING, i);
        }
        break;
    case '-':
        mode = NR_REG_ONE_NIC;
        i++;
        if (!number(spec, &i, RING_LIMIT, &ring))
            return fault(error, spec[i] ? NM_PORTNAME_BAD_RING : NM_PORTNAME_ENDS_EARLY, i);
        break;
    default:
        return fault(error, NM_PORTNAME_UNKNOWN_MODIFIER, i);
    }
    failed = suffixes(spec, &i, false, &suffix, error);
    if (failed)
        return failed;
    if (spec[i] != '\0' && spec[i] != '@')
        return fault(error, NM_PORTNAME_UNEXPECTED, i);
    reg->nr_mode = mode;
    reg->nr_ringid = (uint16_t)ring;
    reg->nr_flags |= suffix.flags;
    if (suffix.mem_id)
        reg->nr_mem_id = suffix.mem_id;
    *position = i;
    return 0;
}

int nm_portname_legacy(const char *spec, struct nmreq *req, struct nm_portname_error *error)
{
    size_t start = 0, name, end, i;
    struct suffix suffix = {0};
    uint32_t mode = NR_REG_ALL_NIC;
    unsigned long ring = 0;
    int failed = subsystem(spec, &start, &name, error);

    if (failed)
        return failed;
    end = start + strcspn(spec + start, "-*^{}/@");
    if (end == start)
        return fault(error, NM_PORTNAME_BAD_PORT, start);
    for (i = start; name != start && i < end; i++) /* a switch's port: letters, digits, '_' */
        if (!is_id(spec[i]))
            return fault(error, NM_PORTNAME_BAD_PORT, i);
    if (end - name >= sizeof(req->nr_name))
        return fault(error, NM_PORTNAME_TOO_LONG, name + sizeof(req->nr_name) - 1);

    i = end;
    switch (spec[i]) {
    case '*': mode = NR_REG_NIC_SW; break;
    case '^': mode = NR_REG_SW; break;
    case '-': mode = NR_REG_ONE_NIC; break;
    case '{': mode = NR_REG_PIPE_MASTER; break;
    case '}': mode = NR_REG_PIPE_SLAVE; break;
    default: break;
    }
    if (mode != NR_REG_ALL_NIC)
        i++;
    if (mode == NR_REG_ONE_NIC || mode == NR_REG_PIPE_MASTER || mode == NR_REG_PIPE_SLAVE)
        if (!number(spec, &i, RING_LIMIT, &ring))
            return fault(error, spec[i] ? NM_PORTNAME_BAD_RING : NM_PORTNAME_ENDS_EARLY, i);
    failed = suffixes(spec, &i, true, &suffix, error);
    if (failed)
        return failed;
    if (spec[i] != '\0')
        return fault(error, NM_PORTNAME_UNEXPECTED, i);

    memset(req->nr_name, 0, sizeof(req->nr_name));
    memcpy(req->nr_name, spec + name, end - name);
    req->nr_ringid = (uint16_t)ring;
    req->nr_flags = (req->nr_flags & ~(uint32_t)NR_REG_MASK) | mode | suffix.flags;
    if (suffix.mem_id)
        req->nr_arg2 = suffix.mem_id;
    return 0;
}
