"""The report: one HTML page with inline SVG that asks nobody for anything, for light and dark, from 820 pixels on."""
