/** What the C API for inference hosts calls: the Java side of native/host. */
package dev.coxswain.host;
