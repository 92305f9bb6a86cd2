/* libFuzzer: pieces decoded in lanes, against zlib: verdict, bytes, and the bit behind the last.
 *
 * An input is a byte for the mode, and for each piece 4 bytes and the deflate data:
 *   0     bits 0-2: the first bit; 3-4: no window, 600 bytes before out, a whole one elsewhere,
 *         1 + trim bytes elsewhere; 5-6: room as needed, a byte less, 300 more, 40 more;
 *         7: the piece stops `trim` bits early
 *   1-2   bytes of data
 *   3     trim
 * Every buffer has just its size, so that the address sanitizer sees a byte too far. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lanes_core.h"

enum { PIECES = 12, CAP = 1 << 17, SHORT = 600 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static uint8_t window_bytes[IDXIO_WINDOW], cap_bytes[PIECES][CAP];
static z_stream z;

static uint32_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    uint64_t state = 88172645463325252u;
    (void)argc;
    (void)argv;
    for (size_t i = 0; i < sizeof window_bytes; i++) {
        const uint32_t r = next_random(&state);
        window_bytes[i] = i % 1000 < 500 ? (uint8_t)"etaoin shrdlu"[r % 13] : (uint8_t)r;
    }
    return inflateInit2(&z, -MAX_WBITS) == Z_OK ? 0 : -1;
}

typedef struct {
    int status;
    size_t end, produced;
} verdict;

/* What zlib says of the bits [start, stop) behind a window. */
static verdict by_zlib(const uint8_t *in, size_t start, size_t stop, const uint8_t *window,
                       size_t size, uint8_t *out) {
    verdict v = {IDXIO_BAD, start, 0};
    if (start == stop) return (verdict){IDXIO_EDGE, start, 0};
    inflateReset(&z);
    if (size) inflateSetDictionary(&z, window, (uInt)size);
    inflatePrime(&z, 8 - (int)start, in[0] >> start);
    z.next_in = (z_const Bytef *)in + 1;
    z.avail_in = (uInt)((stop + 7) / 8 - 1);
    z.next_out = out;
    z.avail_out = CAP;
    for (;;) {
        int status = inflate(&z, Z_BLOCK);
        size_t bit = 8 * (size_t)(z.next_in - in) - (z.data_type & 63);
        v.produced = CAP - z.avail_out;
        if (status == Z_STREAM_END && v.status == IDXIO_END) break;
        if (status != Z_OK || !(z.data_type & 128) || bit > stop) {
            v.status = IDXIO_BAD;
            break;
        }
        if (z.data_type & 64) {
            v.status = IDXIO_END; /* the next call says so */
            v.end = (bit + 7) & ~(size_t)7;
        } else if (bit == stop) {
            v.status = IDXIO_EDGE;
            v.end = stop;
            break;
        }
    }
    return v;
}

static uint8_t *copy_of(const uint8_t *data, size_t size) {
    uint8_t *copy = (uint8_t *)malloc(size);
    if (size) memcpy(copy, data, size);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idxio_piece pieces[PIECES];
    verdict wanted[PIECES];
    uint8_t *in[PIECES], *out[PIECES], *window[PIECES];
    size_t n = 0, at = 1;
    if (!size) return 0;
    idxio_lanes_mode mode = data[0] % 8 == 0   ? IDXIO_LANES_OFF
                            : data[0] % 8 == 1 ? IDXIO_LANES_AUTO
                                               : IDXIO_LANES_ON;
    for (; n < PIECES && at + 4 <= size; n++) {
        unsigned flags = data[at];
        size_t length = data[at + 1] | (size_t)data[at + 2] << 8;
        size_t trim = flags & 128 ? data[at + 3] : 0;
        size_t start = flags & 7, before = 0, room;
        at += 4;
        if (length > size - at) length = size - at;
        if (start > 8 * length) start = 0;
        if (trim > 8 * length - start) trim = 0;
        size_t stop = 8 * length - trim;
        if (start == stop && start == 8 * length) start = stop = 0;
        switch (flags & 24) {
        case 8: before = SHORT; break;
        case 16: before = IDXIO_WINDOW; break;
        case 24: before = 1 + trim; break;
        }
        const uint8_t *from = window_bytes + sizeof window_bytes - before;
        in[n] = copy_of(data + at, (stop + 7) / 8);
        at += length;
        wanted[n] = by_zlib(in[n], start, stop, from, before, cap_bytes[n]);
        room = wanted[n].produced;
        switch (flags >> 5 & 3) {
        case 1:
            if (room) {
                room--;
                wanted[n].status = IDXIO_BAD;
            }
            break;
        case 2: room += 300; break;
        case 3: room += 40; break;
        }
        pieces[n] = (idxio_piece){
            .in = in[n], .start = start, .stop = stop, .window_size = before, .room = room};
        if ((flags & 24) == 8) {
            out[n] = (uint8_t *)malloc(before + room);
            memcpy(out[n], from, before);
            pieces[n].out = out[n] + before;
            window[n] = NULL;
        } else {
            pieces[n].out = out[n] = (uint8_t *)malloc(room);
            window[n] = before && before < IDXIO_WINDOW ? copy_of(from, before) : NULL;
            pieces[n].window = before < IDXIO_WINDOW ? window[n] : window_bytes;
        }
        memset(pieces[n].out, 0x55, room);
    }
    idxio_lanes_decode(pieces, n, mode);
    for (size_t i = 0; i < n; i++) {
        const idxio_piece *p = &pieces[i];
        const verdict *w = &wanted[i];
        int is_good = w->status != IDXIO_BAD;
        int has_status = p->status == w->status;
        int has_end = p->end == w->end && p->produced == w->produced;
        int is_same = has_status && (!is_good || has_end);
        if (mode != IDXIO_LANES_ON) /* libdeflate judges some codes otherwise */
            is_same = !is_good || !has_status || has_end;
        if (is_good && has_status && is_same && w->produced)
            is_same = !memcmp(p->out, cap_bytes[i], w->produced);
        if (!is_same) {
            fprintf(stderr,
                    "piece %zu of %zu, mode %d: status %d, end %zu, %zu bytes; "
                    "zlib: %d, %zu, %zu\n",
                    i, n, (int)mode, p->status, p->end, p->produced, w->status, w->end,
                    w->produced);
            abort();
        }
        free(in[i]);
        free(out[i]);
        free(window[i]);
    }
    return 0;
}

/* Deflate data of one of several kinds, by zlib with random settings, from a random bit on. */
static size_t make_piece(uint64_t *state, uint8_t *to, size_t max_size) {
    size_t most = next_random(state) % 16 ? 600 : 20000;
    size_t n = next_random(state) % most, cap = max_size - 4;
    unsigned kind = next_random(state) % 7, flush = next_random(state) % 4;
    unsigned period = 1 + next_random(state) % 70;
    uint8_t *raw = (uint8_t *)malloc(n + 1);
    z_stream d = {0};
    if (max_size < 16) {
        free(raw);
        return 0;
    }
    if (cap > 65535) cap = 65535;
    for (size_t i = 0; i < n; i++) {
        uint32_t r = next_random(state);
        raw[i] = (uint8_t)(kind == 0   ? r
                           : kind == 1 ? r % 7
                           : kind == 2 ? (r % 9 ? i % period : r >> 8)
                           : kind == 3 ? (unsigned)"etaoin shrdlu"[r % 13]
                           : kind == 4 ? 0
                           : kind == 5 ? window_bytes[(i * 3 + period * 400) % IDXIO_WINDOW]
                           : r % 12 && i > 70 ? raw[i - period]
                                              : r >> 16 & r >> 8);
    }
    int level = (int)(next_random(state) % 10), memory = 1 + (int)(next_random(state) % 9);
    deflateInit2(&d, level, Z_DEFLATED, -15, memory, (int)(next_random(state) % 5));
    unsigned flags = next_random(state) & 0x78, start = 0;
    if (flags & 24) {
        size_t before = (flags & 24) == 8 ? SHORT : (flags & 24) == 16 ? IDXIO_WINDOW : 1;
        deflateSetDictionary(&d, window_bytes + IDXIO_WINDOW - before, (uInt)before);
    }
    if (next_random(state) % 2) {
        start = next_random(state) % 8;
        if (start) deflatePrime(&d, (int)start, (int)(next_random(state) & 127));
    }
    d.next_out = to + 4;
    d.avail_out = (uInt)cap;
    d.next_in = raw;
    d.avail_in = (uInt)(n / 2);
    if (flush) deflate(&d, flush == 1 ? Z_FULL_FLUSH : flush == 2 ? Z_SYNC_FLUSH : Z_BLOCK);
    d.avail_in = (uInt)(raw + n - d.next_in);
    unsigned pending = 0;
    int bits = 0;
    if (next_random(state) % 3) {
        deflate(&d, Z_FINISH);
    } else {
        deflate(&d, Z_BLOCK); /* ends at any bit */
        deflatePending(&d, &pending, &bits);
        deflatePrime(&d, 7, 0);
        deflate(&d, Z_SYNC_FLUSH);
    }
    size_t length = d.total_out, trim = 0;
    if (bits || pending) trim = (8 - (unsigned)bits) & 7;
    deflateEnd(&d);
    free(raw);
    to[0] = (uint8_t)(flags | start | (trim ? 128 : 0));
    to[1] = (uint8_t)length;
    to[2] = (uint8_t)(length >> 8);
    to[3] = (uint8_t)trim;
    return 4 + length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
    for (int i = 0; i < 4; i++) next_random(&state);
    if (next_random(&state) % 8 && size > 1) {
        if (next_random(&state) % 2) return LLVMFuzzerMutate(data, size, max_size);
        for (unsigned k = 1 + next_random(&state) % 4; k; k--) {
            const size_t place = next_random(&state) % size;
            data[place] ^= 1u << next_random(&state) % 8;
        }
        return size;
    }
    if (max_size < 64) return LLVMFuzzerMutate(data, size, max_size);
    unsigned pieces = 1 + next_random(&state) % PIECES;
    size = 1;
    data[0] = (uint8_t)next_random(&state);
    for (unsigned k = 0; k < pieces && size + 64 < max_size; k++) {
        const unsigned share = next_random(&state) % 2 ? 1 : pieces - k;
        size += make_piece(&state, data + size, (max_size - size) / share);
    }
    return size;
}
