/** Results as one HTML file that anyone can open. */
package dev.coxswain.report;
