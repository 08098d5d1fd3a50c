/** Steering plans: their file, their checks, and their compilation for a backend. */
package dev.coxswain.steer;
