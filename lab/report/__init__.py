"""What reports are made of: one HTML page with inline SVG that asks nobody for anything, for light and dark."""
