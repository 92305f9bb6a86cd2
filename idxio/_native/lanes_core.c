/* Several pieces of deflate data (RFC 1951) decoded at once on one core: see docs/lanes.md. */
#include "lanes_core.h"

#include <stdlib.h>
#include <string.h>

/* ---- One piece by libdeflate, or by zlib ---- */

enum {
    FILLER_BYTES = 16,    /* at most 91 + 30 bits */
    TERMINATOR_BYTES = 3, /* 10 bits from any bit on */
    SPARE_BYTES = 5 + IDXIO_WINDOW + FILLER_BYTES + TERMINATOR_BYTES
};

/* Writes empty blocks before the given bit of *first, which start at a byte; how many bytes before
 * first. */
static size_t fill_to_bit(uint8_t *first, unsigned bit) {
    /* A block with codes of its own has 91 bits: last 0, type 2, 257 literal and 1 distance codes,
     * 4 + 14 lengths, of which those of 18 and 1 are 1; the lengths 1, 138 x 0, 117 x 0, 1 and 1;
     * the end of block. One of the fixed kind has 10: even distances. */
    static const uint8_t dynamic[12] = {0x04, 0xc0, 0x81, 0x00, 0x00, 0x00,
                                        0x00, 0x00, 0x10, 0xff, 0xd5, 0x04};
    uint8_t filler[FILLER_BYTES + 1] = {0};
    unsigned bits = 0;
    if (bit & 1) {
        memcpy(filler, dynamic, sizeof dynamic);
        bits = 91;
    }
    for (; (bits & 7) != bit; bits += 10) {
        filler[bits >> 3] |= (uint8_t)(2 << (bits & 7));
        if ((bits & 7) == 7) filler[(bits >> 3) + 1] |= 1;
    }
    size_t whole = bits >> 3;
    memcpy(first - whole, filler, whole);
    *first = (uint8_t)((*first & (0xff << bit)) | filler[whole]);
    return whole;
}

/* Decodes a piece as a stream of its own: a stored block that leaves the window, empty blocks up to
 * its first bit, its bits, and an empty last block. scratch: SPARE_BYTES and the piece's bytes. */
static void decode_alone(idxio_decoder *decoder, idxio_piece *piece, uint8_t *scratch) {
    size_t first = piece->start >> 3, size = ((piece->stop + 7) >> 3) - first;
    size_t consumed = 0, produced = 0;
    size_t window = piece->window_size;
    uint8_t *in = scratch + 5 + IDXIO_WINDOW + FILLER_BYTES, *stream = in, *out = piece->out;
    const uint8_t *before = piece->window;
    uint8_t *own = NULL;

    piece->status = IDXIO_BAD;
    piece->end = piece->start;
    piece->produced = 0;
    if (piece->window && window) {
        own = out = (uint8_t *)malloc(window + piece->room);
        if (own == NULL) {
            piece->status = IDXIO_NO_MEMORY;
            return;
        }
    } else if (window) {
        before = out -= window;
    }
    if (size) memcpy(in, piece->in + first, size);
    memset(in + size, 0, TERMINATOR_BYTES);
    stream -= fill_to_bit(in, piece->start & 7);
    if (window) {
        stream -= window;
        memcpy(stream, before, window);
        uint8_t header[5] = {0, window & 0xff, (uint8_t)(window >> 8), ~window & 0xff,
                             (uint8_t)(~window >> 8)};
        stream -= sizeof header;
        memcpy(stream, header, sizeof header);
    }
    /* The bits 1 1 0 0000000: last, fixed, end of block. */
    size_t stop = piece->stop - 8 * first;
    in[stop >> 3] = (uint8_t)((in[stop >> 3] & ((1 << (stop & 7)) - 1)) | (3 << (stop & 7)));
    in[(stop >> 3) + 1] = 3 >> (8 - (stop & 7));
    if ((stop & 7) == 7) in[(stop >> 3) + 2] = 0;
    const uint8_t *end = in + ((stop + 10 + 7) >> 3);
    int status = idxio_inflate(decoder, stream, (size_t)(end - stream), out, window + piece->room,
                               &consumed, &produced);
    if (status == IDXIO_NO_MEMORY) {
        piece->status = status;
    } else if (status == IDXIO_END && produced >= window) {
        size_t bytes = (size_t)(stream + consumed - in);
        piece->status = stream + consumed == end ? IDXIO_EDGE : IDXIO_END;
        piece->end = piece->status == IDXIO_EDGE ? piece->stop : 8 * (first + bytes);
        piece->produced = produced - window;
        if (own && piece->produced) memcpy(piece->out, own + window, piece->produced);
    }
    free(own);
}

static void decode_each_alone(idxio_piece *pieces, size_t n) {
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = ((pieces[i].stop + 7) >> 3) - (pieces[i].start >> 3);
        if (size > longest) longest = size;
    }
    uint8_t *scratch = n ? (uint8_t *)malloc(SPARE_BYTES + longest) : NULL;
    idxio_decoder *decoder = n ? idxio_decoder_new() : NULL;
    for (size_t i = 0; i < n; i++) {
        if (scratch && decoder) {
            decode_alone(decoder, &pieces[i], scratch);
        } else {
            pieces[i].status = IDXIO_NO_MEMORY;
            pieces[i].end = pieces[i].start;
            pieces[i].produced = 0;
        }
    }
    idxio_decoder_free(decoder);
    free(scratch);
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(IDXIO_NO_LANES)
#include <immintrin.h>

/* ---- Tables ---- */

#define TARGET __attribute__((target("bmi,bmi2,popcnt,avx2")))
#define INLINE static inline __attribute__((always_inline))
#define RARELY(x) __builtin_expect(!!(x), 0)

enum {
    LANES = 4,
    /* Of 2048: with more literals, eight in a turn are fastest, with fewer, three, or one. */
    SHARE_OF_8 = 1740,
    SHARE_OF_3 = 1000,
    CODE_BITS = 11, /* longer codes are rare, and decoded bit by bit */
    OFFSET_BITS = 8,
    FRONT_BYTES = 2 * IDXIO_WINDOW + 512, /* a window, as much again, and a match or two */
    LONGEST_CODE = 15,
    COPIED = 32, /* bytes that a match copies in the loop */
    /* At two looks at the input, of 57 bits or five codes each; one more and a match at a third. */
    MOST_LITERALS = 8,
    ROOM_OF_A_TURN = MOST_LITERALS + 1 + COPIED,
    /* The third look is 8 bytes from any bit on. */
    BITS_OF_A_TURN = MOST_LITERALS * CODE_BITS + 64 + 8,
};

/* An entry of the table of literals and lengths, two bytes.
 * shift: of a literal, the bits of its code and LITERAL; else 0, so that a lane that meets it stays
 * where it is.
 * symbol: the literal; or the length's number, END_OF_BLOCK or LONG_CODE. */
typedef struct {
    uint8_t shift, symbol;
} literal_entry;

enum {
    LITERAL = 64, /* a sum of up to 5 shifts is bits + 64 * literals */
    END_OF_BLOCK = 29,
    NO_MATCH = 30,  /* a length of 0 in 0 bits */
    LONG_CODE = 31, /* or none */
};

/* A length or an offset: the bits of its code and of what is added to its base; of its code alone;
 * its base. */
typedef struct {
    uint8_t bits, code;
    uint16_t base;
} number_entry;

enum {
    LEAVE = 128,                  /* in `code`: not for the loop */
    NO_OFFSET = 1 << OFFSET_BITS, /* an offset of 0 in 0 bits */
};

/* Codes longer than a table: for each length its first code, their count, and where their symbols
 * start. */
typedef struct {
    uint16_t first[LONGEST_CODE + 1], count[LONGEST_CODE + 1], at[LONGEST_CODE + 1];
    uint16_t symbols[288];
} long_codes;

typedef enum { AT_HEADER, IN_BLOCK, AT_END, FAILED } lane_state;

typedef struct {
    literal_entry literals[1 << CODE_BITS]; /* first: gcc then spares an addition at each look */
    /* Addresses of bits, 8 times those of bytes: a place in the input is one number. */
    uint64_t bit, last_fast_bit, stop;
    uint8_t *out, *last_fast_out, *out_end;
    const uint8_t *low;  /* the first byte that a match in the loop may read */
    uint8_t *produced;   /* the first byte of the piece */
    uint8_t *front;      /* FRONT_BYTES, or NULL */
    idxio_piece *piece;  /* NULL: parked */
    lane_state state;
    int is_last_block;
    /* Of the 2048 values of 11 bits, those that start with a literal's code. */
    unsigned literal_share;
    number_entry lengths[32];
    number_entry offsets[(1 << OFFSET_BITS) + 1];
    long_codes long_literals, long_offsets;
    uint8_t code_lengths[320 + 160]; /* the last repetition may go too far */
} lane;

static const uint16_t LENGTH_BASE[29] = {3,  4,  5,  6,  7,  8,  9,  10,  11,  13,
                                         15, 17, 19, 23, 27, 31, 35, 43,  51,  59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t LENGTH_EXTRA[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t OFFSET_BASE[30] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,
                                         33,  49,  65,  97,  129, 193,  257,  385,  513,  769,
                                         1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289,
                                         16385, 24577};
static const uint8_t OFFSET_EXTRA[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                         6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
/* The order of the code lengths of the code for code lengths. */
static const uint8_t CODE_ORDER[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                       11, 4,  12, 3, 13, 2, 14, 1, 15};

/* What a code length's symbol stands for: so many of the same, and the bits of what is added. */
static const uint8_t REPEAT_BASE[19] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 11};
static const uint8_t REPEAT_EXTRA[19] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7};

/* A code of 11 bits in the order in which they lie in the input. */
INLINE unsigned reversed(unsigned code) {
    static const uint8_t six[64] = {0,  32, 16, 48, 8,  40, 24, 56, 4,  36, 20, 52, 12, 44, 28, 60,
                                    2,  34, 18, 50, 10, 42, 26, 58, 6,  38, 22, 54, 14, 46, 30, 62,
                                    1,  33, 17, 49, 9,  41, 25, 57, 5,  37, 21, 53, 13, 45, 29, 61,
                                    3,  35, 19, 51, 11, 43, 27, 59, 7,  39, 23, 55, 15, 47, 31, 63};
    return (unsigned)six[code & 63] << 5 | six[code >> 6] >> 1;
}

/* Which of 32 code lengths are `length`, a bit each. */
INLINE TARGET uint32_t equal(const uint8_t *lengths, int length) {
    __m256i v = _mm256_loadu_si256((const __m256i *)lengths);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)length)));
}

/* What zlib accepts: codes that leave nothing over, or one alone, of one bit; or, of offsets only,
 * none. */
INLINE int is_code(int left, unsigned total, unsigned least) {
    return left == 0 || (total == 1 && left == 1 << (LONGEST_CODE - 1)) || total < least;
}

/* Notes the codes of b bits, longer than a table has room for: the first, how many, and where their
 * symbols are. */
INLINE void note_long_codes(long_codes *rest, int b, unsigned code, unsigned n, unsigned at) {
    rest->first[b] = (uint16_t)code;
    rest->count[b] = (uint16_t)n;
    rest->at[b] = (uint16_t)at;
}

/* Both tables are built from the shortest code on: a table for codes of b - 1 bits, twice, is one
 * for b bits, in which the codes of b bits then take their places. */
/* Repeats the entries of a table for one bit more of each code; returns their number. */
INLINE size_t twice(void *table, size_t entries, size_t bytes) {
    if (entries) memcpy((uint8_t *)table + entries * bytes, table, entries * bytes);
    return 2 * entries;
}

static TARGET int build_literals(lane *a, uint8_t *lengths, size_t count) {
    const literal_entry long_code = {0, LONG_CODE};
    literal_entry *table = a->literals;
    long_codes *rest = &a->long_literals;
    unsigned code = 0, total = 0, share = 0, rested = 0;
    size_t size = 0;
    int left = 1;
    memset(lengths + count, 0, 288 - count);
    if (!lengths[256]) return 0;
    for (int b = 1; b <= LONGEST_CODE; b++) {
        uint64_t having[5]; /* symbols with codes of b bits, a bit each: the last 32 are lengths */
        unsigned n = 0;
        for (int w = 0; w < 4; w++) {
            having[w] = equal(lengths + 64 * w, b);
            having[w] |= (uint64_t)equal(lengths + 64 * w + 32, b) << 32;
            n += (unsigned)__builtin_popcountll(having[w]);
        }
        having[4] = equal(lengths + 256, b);
        if (b <= CODE_BITS) share += n << (CODE_BITS - b);
        n += (unsigned)__builtin_popcountll(having[4]);
        total += n;
        left = 2 * left - (int)n;
        if (left < 0) return 0;
        code <<= 1;
        if (b > CODE_BITS) {
            note_long_codes(rest, b, code, n, rested);
            for (int w = 0; n && w < 5; w++)
                for (uint64_t v = having[w]; v; v &= v - 1) {
                    table[reversed(code++ >> (b - CODE_BITS))] = long_code;
                    rest->symbols[rested++] = (uint16_t)(64 * w + __builtin_ctzll(v));
                }
            continue;
        }
        size = twice(table, size, sizeof *table);
        if (!n) continue;
        if (!size) size = (size_t)1 << b;
        if (b == 1) table[0] = table[1] = long_code;
        for (int w = 0; w < 4; w++)
            for (uint64_t v = having[w]; v; v &= v - 1)
                table[reversed(code++ << (CODE_BITS - b))] =
                    (literal_entry){(uint8_t)(LITERAL + b), (uint8_t)(64 * w + __builtin_ctzll(v))};
        for (uint64_t v = having[4]; v; v &= v - 1) {
            /* 256 is the end of block, 257 the first length. */
            unsigned i = (unsigned)__builtin_ctzll(v) - 1;
            unsigned symbol = i < 29 ? i : i == ~0u ? END_OF_BLOCK : LONG_CODE;
            table[reversed(code++ << (CODE_BITS - b))] = (literal_entry){0, (uint8_t)symbol};
            if (i < 29)
                a->lengths[i] =
                    (number_entry){(uint8_t)(b + LENGTH_EXTRA[i]), (uint8_t)b, LENGTH_BASE[i]};
            else if (i == ~0u)
                a->lengths[END_OF_BLOCK] = (number_entry){(uint8_t)b, LEAVE, 0};
        }
    }
    a->lengths[NO_MATCH] = (number_entry){0, 0, 0};
    a->lengths[LONG_CODE] = (number_entry){0, LEAVE, 0};
    a->literal_share = share;
    return is_code(left, total, 0);
}

static TARGET int build_offsets(lane *a, const uint8_t *lengths) {
    const number_entry leave = {0, LEAVE, 0};
    number_entry *table = a->offsets;
    long_codes *rest = &a->long_offsets;
    unsigned code = 0, total = 0, rested = 0;
    size_t size = 0;
    int left = 1;
    for (int b = 1; b <= LONGEST_CODE; b++) {
        uint32_t having = equal(lengths, b);
        unsigned n = (unsigned)__builtin_popcount(having);
        total += n;
        left = 2 * left - (int)n;
        if (left < 0) return 0;
        code <<= 1;
        if (b > OFFSET_BITS) {
            note_long_codes(rest, b, code, n, rested);
            for (uint32_t v = having; v; v &= v - 1) {
                table[reversed(code++ >> (b - OFFSET_BITS) << (CODE_BITS - OFFSET_BITS))] = leave;
                rest->symbols[rested++] = (uint16_t)__builtin_ctz(v);
            }
            continue;
        }
        size = twice(table, size, sizeof *table);
        if (!n) continue;
        if (!size) size = (size_t)1 << b;
        if (b == 1) table[0] = table[1] = leave;
        for (uint32_t v = having; v; v &= v - 1) {
            unsigned i = (unsigned)__builtin_ctz(v);
            number_entry *entry = &table[reversed(code++ << (CODE_BITS - b))];
            *entry = leave;
            if (i < 30)
                *entry = (number_entry){(uint8_t)(b + OFFSET_EXTRA[i]), (uint8_t)b, OFFSET_BASE[i]};
        }
    }
    if (!total)
        for (size_t i = 0; i < NO_OFFSET; i++) table[i] = leave;
    table[NO_OFFSET] = (number_entry){0, 0, 0};
    return is_code(left, total, 1);
}

/* ---- Careful decoding: headers, long codes, the ends of pieces ---- */

/* At least 57 bits from there on, and zeros behind the last byte of the piece. */
INLINE uint64_t careful_bits(const lane *a, uint64_t bit) {
    uint64_t v = 0;
    if (bit >= a->stop) return 0;
    const uint8_t *in = (const uint8_t *)(bit >> 3);
    size_t size = (size_t)(((a->stop + 7) >> 3) - (bit >> 3));
    if (size >= 8)
        memcpy(&v, in, 8);
    else
        for (size_t i = 0; i < size; i++) v |= (uint64_t)in[i] << (8 * i);
    return v >> (bit & 7);
}

/* Where a piece goes on that was begun behind a copy of its window. */
static void leave_front(lane *a) {
    idxio_piece *piece = a->piece;
    size_t size = (size_t)(a->out - a->produced);
    if (a->produced == piece->out) return;
    if (size) memcpy(piece->out, a->produced, size);
    a->produced = piece->out;
    a->low = piece->out;
    a->out = piece->out + size;
    a->out_end = piece->out + piece->room;
    a->last_fast_out = piece->room >= ROOM_OF_A_TURN ? a->out_end - ROOM_OF_A_TURN : NULL;
}

static int stored_block(lane *a) {
    a->bit = (a->bit + 7) & ~(uint64_t)7;
    uint64_t b = careful_bits(a, a->bit);
    uint64_t n = b & 0xffff;
    a->bit += 32;
    if (a->bit > a->stop || n != (~b >> 16 & 0xffff)) return 0;
    if (n > (uint64_t)(a->out_end - a->out)) leave_front(a);
    if (n > (a->stop - a->bit) >> 3 || n > (uint64_t)(a->out_end - a->out)) return 0;
    if (n) memcpy(a->out, (const void *)(a->bit >> 3), n);
    a->out += n;
    a->bit += 8 * n;
    a->state = a->is_last_block ? AT_END : AT_HEADER;
    return 1;
}

/* The code lengths of a dynamic block's two codes. */
static TARGET int read_code_lengths(lane *a, size_t *literals, size_t *offsets) {
    uint8_t *lengths = a->code_lengths, own[19] = {0};
    number_entry table[128];
    uint64_t b = careful_bits(a, a->bit);
    *literals = (b & 31) + 257;
    *offsets = (b >> 5 & 31) + 1;
    unsigned n = (b >> 10 & 15) + 4;
    if (*literals > 286 || *offsets > 30) return 0;
    a->bit += 14;
    b = careful_bits(a, a->bit); /* 57 bits: all 19 lengths */
    for (unsigned i = 0; i < n; i++, b >>= 3) own[CODE_ORDER[i]] = b & 7;
    a->bit += 3 * n;

    unsigned count[8] = {0}, next[8], code = 0;
    int left = 1;
    for (unsigned i = 0; i < 19; i++) count[own[i]]++;
    for (unsigned i = 1; i < 8; i++) {
        left = 2 * left - (int)count[i];
        if (left < 0) return 0;
        code <<= 1;
        next[i] = code;
        code += count[i];
    }
    if (left) return 0;
    for (unsigned i = 0; i < 19; i++) {
        if (!own[i]) continue;
        const number_entry entry = {(uint8_t)(own[i] + REPEAT_EXTRA[i]), own[i],
                                    (uint16_t)(REPEAT_BASE[i] << 8 | i)};
        const unsigned first = reversed(next[own[i]]++ << (CODE_BITS - own[i]));
        for (unsigned j = first; j < 128; j += 1u << own[i]) table[j] = entry;
    }

    size_t i = 0, all = *literals + *offsets;
    uint8_t last = LONGEST_CODE + 1; /* there is none to repeat yet */
    while (i < all) {
        b = careful_bits(a, a->bit);
        if (a->bit > a->stop) return 0;
        for (int k = 0; k < 4 && i < all; k++) { /* of at most 14 bits each */
            number_entry e = table[b & 127];
            size_t n = (e.base >> 8) + (size_t)(_bzhi_u64(b, e.bits) >> e.code);
            uint8_t symbol = e.base & 31;
            /* Not branches: which symbol comes cannot be foreseen. */
            last = symbol < 16 ? symbol : symbol == 16 ? last : 0;
            _mm_storeu_si128((__m128i *)(lengths + i), _mm_set1_epi8((char)last));
            if (RARELY(n > 16)) memset(lengths + i + 16, 0, 138 - 16);
            b >>= e.bits;
            a->bit += e.bits;
            i += n;
        }
    }
    /* What was repeated before there was anything is 16 bytes of an impossible length. */
    return i == all && a->bit <= a->stop && lengths[0] <= LONGEST_CODE;
}

/* Reads the header of a block, and all of a stored one; 0 where it is wrong. */
static __attribute__((noinline)) TARGET int read_header(lane *a) {
    uint64_t b = careful_bits(a, a->bit);
    size_t literals = 288, offsets = 32;
    uint8_t *lengths = a->code_lengths, offset_lengths[32] = {0};
    a->is_last_block = b & 1;
    a->bit += 3;
    switch (b >> 1 & 3) {
    case 0: return stored_block(a);
    case 1:
        memset(lengths, 8, 144);
        memset(lengths + 144, 9, 112);
        memset(lengths + 256, 7, 24);
        memset(lengths + 280, 8, 8);
        memset(lengths + 288, 5, 32);
        break;
    case 2:
        if (!read_code_lengths(a, &literals, &offsets)) return 0;
        break;
    default: return 0;
    }
    memcpy(offset_lengths, lengths + literals, offsets);
    a->state = IN_BLOCK;
    return build_literals(a, lengths, literals) && build_offsets(a, offset_lengths);
}

/* The symbol of a code longer than a table of `table` bits, or -1. */
static int long_symbol(const long_codes *rest, unsigned table, uint64_t bits, unsigned *length) {
    unsigned code = reversed(bits & ((1 << CODE_BITS) - 1)) >> (CODE_BITS - table);
    for (unsigned b = table + 1; b <= LONGEST_CODE; b++) {
        code = code << 1 | (bits >> (b - 1) & 1);
        if (code - rest->first[b] < rest->count[b]) {
            *length = b;
            return rest->symbols[rest->at[b] + code - rest->first[b]];
        }
    }
    return -1;
}

INLINE size_t number(number_entry e, uint64_t bits) {
    return e.base + (size_t)((bits & ((1u << e.bits) - 1)) >> e.code);
}

/* Copies a match; up to 15 bytes behind it are overwritten. */
static __attribute__((noinline)) void copy_match(uint8_t *out, size_t offset, size_t length) {
    const uint8_t *from = out - offset;
    uint8_t *end = out + length;
    if (offset == 1) {
        memset(out, *from, length);
        return;
    }
    if (offset < 16) {
        /* Then the same bytes lie at a distance of a multiple of offset, of 16 at the least. */
        for (int i = 0; i < 16; i++) out[i] = from[i];
        out += 16;
        from = out - (15 + offset) / offset * offset;
    }
    for (; out < end; out += 16, from += 16) memcpy(out, from, 16);
}

/* A match that may reach into a window that lies elsewhere, or end where the room does. */
static int careful_match(lane *a, size_t offset, size_t length) {
    size_t room = (size_t)(a->out_end - a->out), here = (size_t)(a->out - a->low);
    if (length > room) return 0;
    if (offset <= here && length + 15 <= room) {
        copy_match(a->out, offset, length);
        a->out += length;
        return 1;
    }
    /* How much of the window lies elsewhere. */
    size_t window = a->piece->window && a->low == a->piece->out ? a->piece->window_size : 0;
    for (; length; length--) {
        here = (size_t)(a->out - a->low);
        if (offset <= here)
            *a->out = *(a->out - offset);
        else if (offset - here <= window)
            *a->out = a->piece->window[window - (offset - here)];
        else
            return 0;
        a->out++;
    }
    return 1;
}

/* One code, checked in every way; 0 where it is wrong. */
static int decode_code(lane *a) {
    uint64_t bit = a->bit, b = careful_bits(a, bit);
    literal_entry e = a->literals[b & ((1 << CODE_BITS) - 1)];
    number_entry o;
    unsigned used;
    int symbol;
    size_t length, offset;
    if (e.shift) {
        used = e.shift - LITERAL;
        symbol = e.symbol;
    } else if (e.symbol != LONG_CODE) {
        used = a->lengths[e.symbol].bits;
        symbol = e.symbol == END_OF_BLOCK ? 256 : 257 + e.symbol;
    } else {
        symbol = long_symbol(&a->long_literals, CODE_BITS, b, &used);
        if (symbol < 0 || symbol > 285) return 0;
        if (symbol > 256) used += LENGTH_EXTRA[symbol - 257];
    }
    bit += used;
    if (bit > a->stop) return 0;
    if (symbol < 256) {
        if (a->out == a->out_end) return 0;
        *a->out++ = (uint8_t)symbol;
        a->bit = bit;
        return 1;
    }
    if (symbol == 256) {
        a->bit = bit;
        a->state = a->is_last_block ? AT_END : AT_HEADER;
        return 1;
    }
    symbol -= 257;
    length = LENGTH_BASE[symbol] + (size_t)(b << (64 - used) >> 1 >> (63 - LENGTH_EXTRA[symbol]));
    b = careful_bits(a, bit);
    o = a->offsets[b & (NO_OFFSET - 1)];
    if (!(o.code & LEAVE)) {
        used = o.bits;
        offset = number(o, b);
    } else {
        symbol = long_symbol(&a->long_offsets, OFFSET_BITS, b, &used);
        if (symbol < 0 || symbol > 29) return 0;
        o = (number_entry){(uint8_t)(used + OFFSET_EXTRA[symbol]), (uint8_t)used,
                           OFFSET_BASE[symbol]};
        used = o.bits;
        offset = number(o, b);
    }
    bit += used;
    if (bit > a->stop) return 0;
    a->bit = bit;
    return careful_match(a, offset, length);
}

INLINE int is_fast(const lane *a) {
    return a->out <= a->last_fast_out && a->bit <= a->last_fast_bit;
}

/* Brings a lane that starts or left the loop to where it can go on; 0: its piece is done. */
static __attribute__((noinline)) int serve(lane *a) {
    for (;;) {
        if (a->out > a->last_fast_out) leave_front(a);
        while (a->state == IN_BLOCK) {
            if (!decode_code(a)) a->state = FAILED;
            if (a->state == IN_BLOCK && is_fast(a)) return 1;
            if (a->out > a->last_fast_out) leave_front(a);
        }
        if (a->state == AT_HEADER && a->bit == a->stop) return 0;
        if (a->state == AT_HEADER && !read_header(a)) a->state = FAILED;
        if (a->state == AT_END || a->state == FAILED) return 0;
        if (a->state == IN_BLOCK && is_fast(a)) return 1;
    }
}

/* ---- The loop ---- */

#ifdef __clang__
#define PLAIN
#else /* gcc packs the lanes' states into vectors, and waits for them */
#define PLAIN                                                             \
    __attribute__((optimize("no-tree-vectorize", "no-tree-slp-vectorize", \
                            "no-tree-loop-distribute-patterns")))
#endif

/* Has the compiler keep its hands off a value: it moves and joins what was put in this order for a
 * reason. */
#define KEEP(x) __asm__("" : "+r"(x))

/* x for each lane l; lanes take turns at each step, as the processor does not look ahead far
 * enough. */
#define EACH(x) \
    { enum { l = 0 }; x; } \
    { enum { l = 1 }; x; } \
    { enum { l = 2 }; x; } \
    { enum { l = 3 }; x; }

/* Patterns of 32 bytes from the 16 (or 32) before: of row k < 16, byte i is i % k; row 16 leaves
 * all in place. */
static uint8_t patterns[17][COPIED] __attribute__((aligned(32)));

static __attribute__((constructor)) void make_patterns(void) {
    for (int k = 1; k <= 16; k++)
        for (int i = 0; i < COPIED; i++) patterns[k][i] = (uint8_t)(i % k);
}

/* Copies 32 bytes from any distance without a branch. */
INLINE TARGET void copy_32(uint8_t *out, const uint8_t *from, uint64_t offset) {
    uint64_t k = offset, most = 16;
    __asm__("cmp %1, %0\n\tcmova %1, %0" : "+r"(k) : "r"(most) : "cc");
    const __m128i *pattern = (const __m128i *)patterns[k];
    __m128i v = _mm_loadu_si128((const __m128i *)from);
    _mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(v, _mm_load_si128(pattern)));
    v = _mm_loadu_si128((const __m128i *)(from + (k & 16)));
    _mm_storeu_si128((__m128i *)(out + 16), _mm_shuffle_epi8(v, _mm_load_si128(pattern + 1)));
}

INLINE uint64_t load_bits(uint64_t bit) {
    uint64_t v;
    memcpy(&v, (const void *)(bit >> 3), 8);
    return v >> (bit & 7);
}

/* A literal, or nothing where none is next. */
INLINE TARGET void literal(const lane *a, uint64_t *bits, uint32_t *sum, uint8_t *out,
                           uint64_t code_bits) {
    const literal_entry *e = &a->literals[_bzhi_u64(*bits, (unsigned)code_bits)];
    uint64_t shift = e->shift;
    *bits >>= shift & 63;
    KEEP(*bits);
    *sum += (uint32_t)shift;
    KEEP(*sum);
    *out = e->symbol;
}

/* Takes the literals of the last steps for decoded. */
INLINE void advance(uint64_t *bit, uint8_t **out, uint32_t sum) {
    *bit += sum & (LITERAL - 1);
    *out += sum / LITERAL;
}

/* The same, and looks at the input for more. */
INLINE void advance_and_look(uint64_t *bit, uint8_t **out, uint32_t *sum, uint64_t *bits) {
    advance(bit, out, *sum);
    KEEP(*bit);
    KEEP(*out);
    *bits = load_bits(*bit);
    *sum = 0;
}

/* A match, or one of no bytes where a literal is next; 0 where the lane has to leave the loop. */
INLINE TARGET int match(const lane *a, uint64_t *bit, uint8_t **out, uint64_t b, uint64_t code_bits,
                        uint64_t no_match, uint64_t no_offset) {
    const literal_entry *e = &a->literals[_bzhi_u64(b, (unsigned)code_bits)];
    uint64_t symbol = e->symbol, index;
    uint32_t shift = e->shift;
    __asm__("test %1, %1\n\tcmovnz %2, %0" : "+r"(symbol) : "r"(shift), "r"(no_match) : "cc");
    const number_entry *m = &a->lengths[symbol];
    if (RARELY(m->code & LEAVE)) return 0;
    uint64_t length = m->base + (_bzhi_u64(b, m->bits) >> m->code);
    b >>= m->bits;
    index = b & (NO_OFFSET - 1);
    __asm__("test %1, %1\n\tcmovnz %2, %0" : "+r"(index) : "r"(shift), "r"(no_offset) : "cc");
    const number_entry *o = &a->offsets[index];
    if (RARELY(o->code & LEAVE)) return 0;
    uint64_t offset = o->base + (_bzhi_u64(b, o->bits) >> o->code);
    const uint8_t *from = *out - offset;
    if (RARELY(offset > (uint64_t)(*out - a->low))) return 0;
    if (RARELY(length > COPIED)) {
        if ((uint64_t)(a->out_end - *out) < length + 15) return 0;
        copy_match(*out, offset, length);
    } else {
        copy_32(*out, from, offset);
    }
    *bit += m->bits + o->bits;
    *out += length;
    return 1;
}

/* Decodes in all lanes until one has to leave, and which: in each turn up to `literals` literals,
 * one more, and a match, without a branch on which of them come. */
INLINE TARGET PLAIN int decode_turns(lane *lanes, const int literals) {
    uint64_t bit[LANES], bits[LANES];
    uint64_t code_bits = CODE_BITS, no_match = NO_MATCH, no_offset = NO_OFFSET;
    uint8_t *out[LANES];
    uint32_t sum[LANES];
    int leaving;
    KEEP(code_bits);
    KEEP(no_match);
    KEEP(no_offset);
    EACH(bit[l] = lanes[l].bit; out[l] = lanes[l].out)
    for (;;) {
        EACH(if (RARELY(out[l] > lanes[l].last_fast_out) ||
                 RARELY(bit[l] > lanes[l].last_fast_bit)) {
            leaving = l;
            goto leave;
        })
        EACH(bits[l] = load_bits(bit[l]); sum[l] = 0)
        EACH(literal(&lanes[l], &bits[l], &sum[l], out[l], code_bits))
        if (literals > 1) EACH(literal(&lanes[l], &bits[l], &sum[l], out[l] + 1, code_bits))
        if (literals > 2) EACH(literal(&lanes[l], &bits[l], &sum[l], out[l] + 2, code_bits))
        if (literals > 3) EACH(literal(&lanes[l], &bits[l], &sum[l], out[l] + 3, code_bits))
        if (literals > 4) EACH(literal(&lanes[l], &bits[l], &sum[l], out[l] + 4, code_bits))
        EACH(advance_and_look(&bit[l], &out[l], &sum[l], &bits[l]))
        if (literals > 5) {
            EACH(literal(&lanes[l], &bits[l], &sum[l], out[l], code_bits))
            if (literals > 6) EACH(literal(&lanes[l], &bits[l], &sum[l], out[l] + 1, code_bits))
            if (literals > 7) EACH(literal(&lanes[l], &bits[l], &sum[l], out[l] + 2, code_bits))
            EACH(advance_and_look(&bit[l], &out[l], &sum[l], &bits[l]))
        }
        EACH(literal(&lanes[l], &bits[l], &sum[l], out[l], code_bits))
        EACH(advance(&bit[l], &out[l], sum[l]);
             if (RARELY(!match(&lanes[l], &bit[l], &out[l], bits[l], code_bits, no_match,
                               no_offset))) {
                 leaving = l;
                 goto leave;
             })
    }
leave:
    EACH(lanes[l].bit = bit[l]; lanes[l].out = out[l])
    return leaving;
}

#define NOINLINE static __attribute__((noinline))

NOINLINE TARGET PLAIN int decode_turns_1(lane *lanes) { return decode_turns(lanes, 1); }
NOINLINE TARGET PLAIN int decode_turns_3(lane *lanes) { return decode_turns(lanes, 3); }
NOINLINE TARGET PLAIN int decode_turns_8(lane *lanes) { return decode_turns(lanes, 8); }

/* ---- The scheduler ---- */

static void start(lane *a, idxio_piece *piece) {
    uint64_t in = (uint64_t)(uintptr_t)piece->in * 8;
    uint64_t bits = piece->stop - piece->start;
    a->piece = piece;
    a->bit = in + piece->start;
    a->stop = in + piece->stop;
    a->last_fast_bit = bits >= BITS_OF_A_TURN ? a->stop - BITS_OF_A_TURN : 0;
    a->out = piece->out;
    a->out_end = piece->out + piece->room;
    a->last_fast_out = piece->room >= ROOM_OF_A_TURN ? a->out_end - ROOM_OF_A_TURN : NULL;
    a->produced = piece->out;
    a->low = piece->window ? piece->out : piece->out - piece->window_size;
    a->state = AT_HEADER;
    if (!piece->window || !a->front) return;
    /* The bytes before out are another piece's: until matches reach them no longer, the window is
     * copied. */
    a->low = a->front + IDXIO_WINDOW - piece->window_size;
    a->out = a->produced = a->front + IDXIO_WINDOW;
    memcpy(a->front + IDXIO_WINDOW - piece->window_size, piece->window, piece->window_size);
    a->out_end = a->front + FRONT_BYTES;
    if (piece->room < (size_t)(a->out_end - a->out)) a->out_end = a->out + piece->room;
    if (a->last_fast_out)
        a->last_fast_out =
            a->out_end - (piece->room < FRONT_BYTES - IDXIO_WINDOW ? ROOM_OF_A_TURN : 512);
}

static void finish(lane *a) {
    idxio_piece *piece = a->piece;
    uint64_t in = (uint64_t)(uintptr_t)piece->in * 8;
    piece->status = a->state == AT_END ? IDXIO_END : a->state == AT_HEADER ? IDXIO_EDGE : IDXIO_BAD;
    piece->end = (size_t)((a->state == AT_END ? (a->bit + 7) & ~(uint64_t)7 : a->bit) - in);
    leave_front(a);
    piece->produced = (size_t)(a->out - piece->out);
}

/* A lane without a piece goes along: it meets matches of no bytes, for ever. */
static void park(lane *a, uint8_t *nothing) {
    a->piece = NULL;
    a->bit = (uint64_t)(uintptr_t)nothing * 8;
    a->last_fast_bit = a->bit;
    a->out = a->last_fast_out = nothing;
    a->out_end = nothing + ROOM_OF_A_TURN;
    a->low = nothing;
    a->literal_share = 0;
    memset(a->literals, 0, sizeof a->literals); /* all are the first length, in no bits, */
    memset(a->lengths, 0, sizeof a->lengths);   /* of no bytes, */
    memset(a->offsets, 0, sizeof a->offsets);   /* from no distance */
}

/* Gives a lane the next pieces until one needs the loop; 0: none is left, and the lane is
 * parked. */
static int refill(lane *a, idxio_piece **next, idxio_piece *end, uint8_t *nothing) {
    while (*next < end) {
        start(a, (*next)++);
        if (serve(a)) return 1;
        finish(a);
    }
    park(a, nothing);
    return 0;
}

static void decode_in_lanes(idxio_piece *pieces, size_t n) {
    lane lanes[LANES];
    uint8_t nothing[LANES][ROOM_OF_A_TURN + 8] = {{0}};
    idxio_piece *next = pieces, *end = pieces + n;
    int busy = 0, has_windows = 0;
    for (size_t i = 0; i < n; i++) has_windows |= pieces[i].window != NULL;
    /* NULL is slower, and right. */
    uint8_t *fronts = has_windows ? (uint8_t *)malloc(LANES * FRONT_BYTES) : NULL;
    for (int l = 0; l < LANES; l++) lanes[l].front = fronts ? fronts + l * FRONT_BYTES : NULL;
    for (int l = 0; l < LANES; l++) busy += refill(&lanes[l], &next, end, nothing[l]);
    while (busy) {
        unsigned share = 0;
        for (int l = 0; l < LANES; l++) share += lanes[l].literal_share;
        share /= (unsigned)busy;
        int l = share > SHARE_OF_8   ? decode_turns_8(lanes)
                : share > SHARE_OF_3 ? decode_turns_3(lanes)
                                     : decode_turns_1(lanes);
        if (serve(&lanes[l])) continue;
        finish(&lanes[l]);
        busy -= !refill(&lanes[l], &next, end, nothing[l]);
    }
    free(fronts);
}

int idxio_lanes_supported(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

#else /* another processor or compiler */

static void decode_in_lanes(idxio_piece *pieces, size_t n) { decode_each_alone(pieces, n); }

int idxio_lanes_supported(void) { return 0; }

#endif

void idxio_lanes_decode(idxio_piece *pieces, size_t n, idxio_lanes_mode mode) {
    size_t alone = 0;
    for (size_t i = 0; i < n; i++)
        if (pieces[i].window_size > IDXIO_WINDOW) {
            if (pieces[i].window) pieces[i].window += pieces[i].window_size - IDXIO_WINDOW;
            pieces[i].window_size = IDXIO_WINDOW;
        }
    if (mode == IDXIO_LANES_OFF || !idxio_lanes_supported())
        alone = n;
    else if (mode == IDXIO_LANES_AUTO && (n & 3) < 3)
        alone = n & 3; /* they would have a loop for four to themselves */
    decode_in_lanes(pieces, n - alone);
    decode_each_alone(pieces + n - alone, alone);
}
