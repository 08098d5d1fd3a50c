/**
 * What a device must compute, one method an operation, on views in the device's own memory. Nothing
 * here or above knows which backend it has, and no method assumes host memory.
 */
package dev.coxswain.backend;
