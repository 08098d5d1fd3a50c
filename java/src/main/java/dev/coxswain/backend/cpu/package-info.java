/** The CPU backend: checks everything in Java, computes in libcoxswain.so. */
package dev.coxswain.backend.cpu;
