/**
 * Dense matrix products by cuBLAS, probed at first use: it may be absent or of another version, and
 * the kernels without it carry the load then. The only user of JCublas, and of the runtime API's
 * types that its signatures need.
 */
package dev.coxswain.backend.cuda.blas;
