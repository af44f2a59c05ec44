"""Raw images and annotations → what is wrong with them, before anything is learnt from them."""
