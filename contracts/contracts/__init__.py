"""What the world may know: the events that services exchange, as typed models, by the service that publishes them."""
