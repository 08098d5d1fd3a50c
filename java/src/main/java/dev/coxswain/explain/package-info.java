/** What features mean: words by mutual information, real contexts, and how good both are. */
package dev.coxswain.explain;
