/** Element types, shapes, and the two sides of memory: owners and views. */
package dev.coxswain.tensor;
