/* coxswain.h: the C API for inference hosts.
 *
 * A host evaluates a language model. At the layers that `cox_wants` names it hands its block of hidden states
 * to `cox_layer`, which steers them in place, writes them to a harvest, or reports their active features. The
 * work is done by the Java engine and its native kernels in the same process; the library finds or starts the
 * JVM.
 *
 *   cox_engine_open -> cox_sae_load -> cox_plan_compile -> cox_lane_open
 *   each forward pass:  cox_begin -> (cox_wants? cox_layer) for each layer -> cox_end
 *
 * Errors. Every function that can fail returns a cox_status: COX_OK, a positive remark, or a negative error.
 * The one line that explains the latest error on the calling thread is cox_last_error(). No C++ and no Java
 * exception leaves the library. After an error the handle stays usable unless the text says otherwise.
 *
 * Structs. `size` is sizeof the struct as the caller knows it and must be set. Everything else may be zero,
 * which means the default. A struct smaller than version 1's, or longer than this library's with something in
 * the part it does not know, is refused (COX_ERROR_SIZE); of structs that are filled in, only `size` bytes
 * are written.
 *
 * Handles. A released or closed handle is recognised and refused (COX_ERROR_STATE, plans:
 * COX_ERROR_RELEASED), as is NULL where a handle is needed. Strings are UTF-8 and copied by the call that
 * takes them.
 *
 * Threads. Engines, SAEs, plans, harvests and vocabularies: any thread. A lane belongs to the thread that
 * opened it. The library attaches a thread to the JVM once, as a daemon, and detaches it when the thread
 * ends. A thread that calls in needs 128 KiB of free stack. After fork() the child has no JVM: every call
 * there is COX_ERROR_FORKED.
 *
 * Signals. The JVM is started with -Xrs: SIGINT, SIGTERM and SIGHUP stay the host's. A host's SIGSEGV handler
 * must be installed before the first cox_engine_open (it is chained) or libjsig linked.
 */
#ifndef COXSWAIN_COXSWAIN_H
#define COXSWAIN_COXSWAIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define COX_API __attribute__((visibility("default")))
#else
#define COX_API
#endif

#define COX_MAX_LAYERS 256 /* layers are 0 .. COX_MAX_LAYERS - 1 */
#define COX_HASH_BYTES 32

typedef enum cox_status {
  COX_OK = 0,
  COX_PASSED_OPEN = 1,        /* the layer failed; its rows are as they came (COX_FAIL_OPEN); go on */
  COX_ERROR_ARGUMENT = -1,    /* NULL, out of range, contradictory */
  COX_ERROR_SIZE = -2,        /* a struct's `size` is not one this library understands */
  COX_ERROR_STATE = -3,       /* closed handle, or a call out of order */
  COX_ERROR_THREAD = -4,      /* a lane used by a thread that did not open it */
  COX_ERROR_JVM = -5,         /* no JVM, it would not start, or it lacks Coxswain's classes */
  COX_ERROR_DATA = -6,        /* an SAE, a plan or a tensor is wrong */
  COX_ERROR_FILE = -7,        /* reading or writing failed */
  COX_ERROR_DEVICE = -8,      /* the device cannot be used */
  COX_ERROR_UNSUPPORTED = -9, /* this build cannot do it */
  COX_ERROR_DROPPED = -10,    /* the pass failed before (COX_FAIL_CLOSED); begin the next one */
  COX_ERROR_RELEASED = -11,   /* a row's plan was released: load the current one and begin again */
  COX_ERROR_FORKED = -12,     /* called in a child of fork() */
  COX_ERROR_MEMORY = -13,     /* out of memory */
  COX_ERROR_INTERNAL = -14    /* a defect of Coxswain */
} cox_status;

typedef enum cox_dtype { COX_F32 = 0, COX_F16 = 1, COX_BF16 = 2 } cox_dtype;

typedef enum cox_space { COX_HOST = 0, COX_CUDA = 1 } cox_space;

/* What happens to a pass whose layer fails. */
typedef enum cox_fail_policy {
  COX_FAIL_CLOSED =
      0, /* the pass is dropped: cox_layer is an error until the next cox_begin; its rows are undefined */
  COX_FAIL_OPEN = 1 /* the layer's rows are restored from a copy; cox_layer is COX_PASSED_OPEN */
} cox_fail_policy;

typedef struct cox_engine cox_engine;
typedef struct cox_sae cox_sae;
typedef struct cox_plan cox_plan;
typedef struct cox_lane cox_lane;
typedef struct cox_harvest cox_harvest;
typedef struct cox_vocabulary cox_vocabulary;

/* The library's version, as in "0.1.0". Needs no JVM. */
COX_API const char* cox_version(void);

/* The one line of the calling thread's latest error, "" if none; valid until the thread's next failing call.
 */
COX_API const char* cox_last_error(void);

/* ---- Engine ------------------------------------------------------------------------------------ */

typedef struct cox_engine_options {
  size_t size;
  const char* class_path; /* as java's -cp; NULL: $COX_JAR, else the jars beside the library */
  const char* java_home;  /* NULL: $COX_JAVA_HOME, $JAVA_HOME, `java` on PATH, the newest in /usr/lib/jvm */
  const char* const* jvm_options; /* [n_jvm_options] appended to the library's own, as in "-Xmx1g" */
  size_t n_jvm_options;
  const char* device;  /* NULL: "cpu" */
  int32_t threads;     /* of the engine's pool; 0: as many as CPUs */
  int32_t fail_policy; /* cox_fail_policy */
} cox_engine_options;

/* Finds the process's JVM or starts one (there is one for ever; class_path, java_home and jvm_options of
 * later opens are ignored), and opens the device. `options` may be NULL. */
COX_API int cox_engine_open(const cox_engine_options* options, cox_engine** engine);

/* Frees the engine; refused while a lane, harvest or vocabulary is open. SAEs and plans are freed with it.
 * The JVM stays. NULL is fine. */
COX_API int cox_engine_close(cox_engine* engine);

/* ---- SAE --------------------------------------------------------------------------------------- */

typedef struct cox_sae_info {
  size_t size;
  int32_t width;         /* d */
  int32_t features;      /* F */
  int32_t k;             /* 0 unless Top-K */
  int32_t layer;         /* the block whose output it reads, if known, else -1 */
  double mean_norm;      /* of its training rows, if known, else 0 */
  char model_sha256[72]; /* of the model file it was trained on, "" if unknown */
} cox_sae_info;

/* Reads an SAE's folder or file (any format of `cox inspect`). */
COX_API int cox_sae_load(cox_engine* engine, const char* path, cox_sae** sae);

COX_API int cox_sae_describe(const cox_sae* sae, cox_sae_info* info);

/* Gives the handle back. Plans compiled from it stay valid. NULL is fine. */
COX_API int cox_sae_release(cox_sae* sae);

/* ---- Plan -------------------------------------------------------------------------------------- */

typedef struct cox_plan_options {
  size_t size;
  const char* json;     /* the plan, as in P.json */
  size_t json_bytes;    /* 0: json ends at its NUL */
  const char* base_dir; /* where the plan's relative file names start; NULL: the working folder */
  cox_sae* sae;
  int32_t layer; /* 0-based block whose output the plan changes */
} cox_plan_options;

typedef struct cox_plan_info {
  size_t size;
  uint8_t hash[COX_HASH_BYTES]; /* of everything the plan does, its layer too: for a prefix cache's key */
  uint64_t layer_mask[COX_MAX_LAYERS / 64]; /* bit (layer % 64) of word layer / 64: the layers it needs */
  int32_t width;                            /* d */
} cox_plan_info;

/* Compiles a plan: validated once, immutable, with one reference that is the caller's. */
COX_API int cox_plan_compile(cox_engine* engine, const cox_plan_options* options, cox_plan** plan);

/* Makes one plan of n >= 1 plans of equal width: each works at its own layer, those of one layer in the order
 * given. The parts may be released. */
COX_API int cox_plan_combine(cox_engine* engine, cox_plan* const* parts, size_t n, cox_plan** plan);

COX_API int cox_plan_describe(const cox_plan* plan, cox_plan_info* info);

/* One reference more, or one less; a pass holds one of its own on each of its plans. A host may keep its
 * current plan in an atomic pointer, store another, and release the old one at once: a pass that loaded the
 * old pointer but has not begun gets COX_ERROR_RELEASED, loads again, and begins again. NULL is fine. */
COX_API int cox_plan_retain(cox_plan* plan);
COX_API int cox_plan_release(cox_plan* plan);

/* ---- Lane -------------------------------------------------------------------------------------- */

/* What a row is, as far as plans care. */
enum {
  COX_ROW_BOS = 1,
  COX_ROW_PROMPT = 2,
  COX_ROW_USER = 4,       /* the user's own text within the prompt */
  COX_ROW_REPLY = 8,      /* from the assistant's header on: its next token is the model's own */
  COX_ROW_GENERATED = 16, /* the token was generated by the model */
  COX_ROW_LAST = 32,      /* the last row of its request in this pass */
  COX_ROW_PAD = 64        /* nobody's: never steered, harvested or observed */
};

/* One row of a forward pass. */
typedef struct cox_row {
  uint64_t request;  /* the host's number; a harvest writes it as `document` */
  cox_plan* plan;    /* NULL: leave alone */
  int32_t position;  /* of the token in its sequence, from 0 */
  int32_t token;     /* id */
  uint32_t flags;    /* COX_ROW_... */
  uint32_t reserved; /* 0 */
} cox_row;

/* A block of hidden states: rows of `width` elements, `row_stride` bytes apart. */
typedef struct cox_block {
  size_t size;
  int32_t layer;            /* 0-based block whose output this is */
  int32_t dtype;            /* cox_dtype */
  int32_t space;            /* cox_space; COX_CUDA needs an engine opened on that device */
  int32_t device;           /* CUDA device; 0 on the host */
  void* data;               /* [rows, width], aligned to its element */
  int64_t row_stride;       /* bytes; 0: width elements; a multiple of the element's size */
  int64_t rows;             /* n; 0 is fine */
  int64_t width;            /* d */
  const int32_t* row_index; /* [rows] the cox_begin row of each block row; NULL: block row i is row i */
  void* stream;             /* CUDA stream; NULL on the host */
} cox_block;

typedef struct cox_lane_statistics {
  size_t size;
  uint64_t passes;  /* begun */
  uint64_t dropped; /* passes that failed or were aborted */
  uint64_t calls;   /* of cox_layer that had work */
  uint64_t rows;    /* handed to those calls */
  uint64_t steered;
  uint64_t gated_off;  /* by a plan's `when` */
  uint64_t harvested;  /* committed to the harvest */
  uint64_t non_finite; /* rows a plan left alone because of NaN or Inf */
  uint64_t saturated;  /* elements clamped to the storage type's largest value */
  uint64_t failed;     /* calls of cox_layer that failed */
  uint64_t ns_total;   /* time inside those cox_layer calls */
  uint64_t ns_max;
  uint64_t ns_p50; /* to three significant digits */
  uint64_t ns_p99;
  uint64_t ns_p999;
  uint64_t java_bytes; /* of Java heap the lane's thread allocated since the lane was opened, whoever asked */
} cox_lane_statistics;

/* Opens a lane for the calling thread, and attaches that thread to the JVM. */
COX_API int cox_lane_open(cox_engine* engine, cox_lane** lane);

/* Ends an open pass as aborted, and frees the lane. NULL is fine. */
COX_API int cox_lane_close(cox_lane* lane);

/* Begins a forward pass (micro-batch) of n rows, which are copied. An open pass is ended as aborted. */
COX_API int cox_begin(cox_lane* lane, const cox_row* rows, size_t n);

/* 1 if this pass has work for cox_layer at that layer, else 0: a bit test, no JVM. 0 also for a NULL lane or
 * between passes. */
COX_API int cox_wants(const cox_lane* lane, int layer);

/* Harvests, observes and steers a block of the open pass, in that order, in place. A layer's block may come
 * in pieces. Nothing is done at a layer that cox_wants denies.
 *
 * In host memory: done on return. In CUDA memory: enqueued on the block's stream, which is used as it is and
 * never waited for; plans may be released at once; statistics count what the device has done so far. Such a
 * block can be neither harvested nor observed. */
COX_API int cox_layer(cox_lane* lane, const cox_block* block);

/* Ends the pass: its harvested rows are appended, or dropped if `aborted` is not 0 or the pass failed. */
COX_API int cox_end(cox_lane* lane, int aborted);

COX_API int cox_lane_describe(cox_lane* lane, cox_lane_statistics* statistics);

/* ---- Active features --------------------------------------------------------------------------- */

typedef struct cox_features {
  size_t size;
  int32_t layer;
  int32_t n;              /* active features */
  const cox_row* row;     /* as given to cox_begin */
  size_t row_number;      /* its place there */
  const float* values;    /* [n] descending */
  const int32_t* indices; /* [n] */
} cox_features;

/* Called on the lane's thread inside cox_layer, once a row (but PAD); pointers hold until it returns. It must
 * not call the lane. */
typedef void (*cox_features_callback)(void* user, const cox_features* features);

/* When an observer reads the rows of its layer. */
typedef enum cox_moment { COX_BEFORE_PLANS = 0, COX_AFTER_PLANS = 1 } cox_moment;

/* Reports the SAE's active features of each row at a layer, from the next pass on. One observer a lane, layer
 * and moment; a NULL callback takes it away. */
COX_API int cox_lane_observe(cox_lane* lane, cox_sae* sae, int layer, int moment,
                             cox_features_callback callback, void* user);

/* ---- Harvest ----------------------------------------------------------------------------------- */

typedef struct cox_harvest_options {
  size_t size;
  const char* dir;          /* made if missing; a harvest that is there is replaced */
  const char* model;        /* name */
  const char* model_sha256; /* of the model's file, in hex */
  int32_t layer;
  int32_t width; /* d */
  int32_t dtype; /* cox_dtype of the blocks, and of the shards */
  const char* const*
      pieces; /* [n_pieces] the tokenizer's pieces by id; a byte that is no UTF-8 becomes U+FFFD */
  const size_t* piece_bytes; /* [n_pieces] lengths; NULL: each ends at its NUL */
  size_t n_pieces;
} cox_harvest_options;

typedef struct cox_harvest_info {
  size_t size;
  uint64_t rows;      /* appended so far */
  uint64_t documents; /* runs of rows of one request */
} cox_harvest_info;

/* Opens a harvest: shards of hidden states as they arrive at `layer`, before any plan. */
COX_API int cox_harvest_open(cox_engine* engine, const cox_harvest_options* options, cox_harvest** harvest);

/* From the next pass on the lane's rows (but PAD) go to that harvest, in the order of their blocks; NULL: to
 * none. Several lanes may share one. A document's rows stand together, as readers of a harvest expect, only
 * if its passes follow one another. */
COX_API int cox_lane_harvest(cox_lane* lane, cox_harvest* harvest);

COX_API int cox_harvest_describe(cox_harvest* harvest, cox_harvest_info* info);

/* Writes the last shard and harvest.json, and frees the harvest. It must not have open passes. */
COX_API int cox_harvest_finish(cox_harvest* harvest);

/* Frees an unfinished harvest: no harvest.json, so no harvest. NULL is fine. */
COX_API int cox_harvest_abandon(cox_harvest* harvest);

/* ---- Vocabulary -------------------------------------------------------------------------------- */

typedef enum cox_vocabulary_source {
  COX_VOCABULARY_TEMPLATE = 0,   /* hidden states: less the vocabulary's mean, scaled to norm `rho` */
  COX_VOCABULARY_UNEMBEDDING = 1 /* output-embedding rows: kept as they are */
} cox_vocabulary_source;

typedef struct cox_vocabulary_options {
  size_t size;
  const char* out;         /* V.safetensors; V.words.txt and V.dropped.txt stand beside it */
  int32_t source;          /* cox_vocabulary_source */
  int32_t width;           /* d */
  float rho;               /* norm of a template row; 0: 20 */
  const float* final_norm; /* [width] the model's final norm g, written as tensor `g`; NULL: none */
} cox_vocabulary_options;

typedef struct cox_vocabulary_info {
  size_t size;
  uint64_t words;   /* written */
  uint64_t dropped; /* by the host's reason, or because the row was not finite or had nothing left */
} cox_vocabulary_info;

COX_API int cox_vocabulary_open(cox_engine* engine, const cox_vocabulary_options* options,
                                cox_vocabulary** vocabulary);

/* Adds a word, without line breaks, and its row [width]; or, with row NULL, the one-line reason why it has
 * none. */
COX_API int cox_vocabulary_add(cox_vocabulary* vocabulary, const char* word, const float* row,
                               const char* reason);

/* Writes the three files and frees the vocabulary; `info` may be NULL. */
COX_API int cox_vocabulary_finish(cox_vocabulary* vocabulary, cox_vocabulary_info* info);

/* Frees an unfinished vocabulary; nothing is written. NULL is fine. */
COX_API int cox_vocabulary_abandon(cox_vocabulary* vocabulary);

#ifdef __cplusplus
}
#endif

#endif /* COXSWAIN_COXSWAIN_H */
