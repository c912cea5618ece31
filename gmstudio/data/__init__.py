"""Where points come from: analytic densities, drawings and pictures."""
