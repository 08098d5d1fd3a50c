/** The few kinds of error; every one carries a single line meant for a user. */
package dev.coxswain.error;
