/**
 * Training of Top-K sparse autoencoders on rows that need not fit in memory, and how well one
 * reconstructs.
 */
package dev.coxswain.train;
