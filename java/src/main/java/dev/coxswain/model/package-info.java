/** Real language models: where they come from, and the process that runs them. */
package dev.coxswain.model;
