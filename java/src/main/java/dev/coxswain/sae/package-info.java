/** Sparse autoencoders as values, and the file formats they come in. */
package dev.coxswain.sae;
