"""How routers and switches find each other and the way."""
